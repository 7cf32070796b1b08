/** WireGuard between network namespaces: the kernel's, or wireguard-go's where it has none. Needs root. */
import assert from 'node:assert/strict'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createWireguard } from '../../src/drivers/mesh/wireguard/index.ts'
import { guests, hostNames, meshContract, v4, wishOf } from './mesh.ts'
import { ip, openMeshWorld, type Place } from './mesh-world.ts'

const linkOf = ({ name }: Place) => `wg${process.pid}${name[0]}`
const create = (place: Place) => createWireguard({ ...place, link: linkOf(place) })
const world = await openMeshWorld({
  kind: 'wireguard',
  create,
  breakLink: async (place) => void (await place.run.run(ip('link', 'delete', linkOf(place)))),
})

meshContract('wireguard', () => world)

test('wireguard: private keys are in no file that others read, and on no command line', async () => {
  for (const host of hostNames) await world.mesh(host).reconcile(await wishOf(world, host))
  const { folder } = world.at('ash')
  const key = (await readFile(join(folder, 'key'), 'utf8')).trim()
  for (const name of await readdir(folder)) assert.equal((await stat(join(folder, name))).mode & 0o77, 0, name)
  assert.equal((await stat(folder)).mode & 0o77, 0)
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    assert.ok(!words.includes(key) && !environment.includes(key), pid)
  }
})

test('wireguard: a daemon that was started anew finds it as it is, and connections go on', async () => {
  const place = world.at('ash')
  const before = await place.run.run(ip('-j', 'link', 'show', 'dev', linkOf(place)))
  const next = create(place)
  assert.deepEqual(await next.reconcile(await wishOf(world, 'ash')), [])
  assert.equal(await place.run.run(ip('-j', 'link', 'show', 'dev', linkOf(place))), before)
  const [fact] = await next.facts()
  assert.ok(
    (await world.reaches('ash', { from: v4(guests.ash), to: v4(guests.birch), surely: true })) &&
      fact?.name === 'birch',
  )
  assert.ok(((await next.facts())[0]?.provedMsAgo ?? Number.NaN) < 180_000)
})

test('wireguard: a key file that is no key is not replaced in silence, and a link that guests could have is refused', async () => {
  const place = world.at('cedar')
  const file = join(place.folder, 'key')
  const good = await readFile(file, 'utf8')
  await writeFile(file, 'nonsense\n')
  await assert.rejects(world.mesh('cedar').identity(), { code: 'DATA_LOST' })
  await writeFile(file, good)
  assert.throws(() => createWireguard({ ...place, link: 'croft9' }), { code: 'BAD_VALUE' })
  assert.throws(() => createWireguard({ ...place, link: 'a b' }), { code: 'BAD_VALUE' })
})
