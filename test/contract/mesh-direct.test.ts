/** Routes over a trusted wire, between network namespaces. Needs root. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDirect } from '../../src/drivers/mesh/direct/index.ts'
import { hostNames, meshContract, wishOf } from './mesh.ts'
import { ip, openMeshWorld } from './mesh-world.ts'

const world = await openMeshWorld({
  kind: 'none',
  create: createDirect,
  breakLink: async ({ run }) => {
    await run.run(ip('route', 'flush', 'protocol', '203'))
  },
})

meshContract('direct', () => world)

test('direct: a host that is no neighbour is refused, and other routes stay', async () => {
  const { run } = world.at('ash')
  await run.run(ip('route', 'add', '198.51.100.0/24', 'via', '192.0.2.9'))
  const wish = await wishOf(world, 'ash')
  const far = wish.peers.map((peer) => ({ ...peer, endpoint: `198.51.100.${peer.number}:51820` }))
  await assert.rejects(world.mesh('ash').reconcile({ ...wish, peers: far }), { code: 'REFUSED' })
  for (const host of hostNames) await world.mesh(host).reconcile(await wishOf(world, host))
  await world.mesh('ash').down()
  assert.match(await run.run(ip('route', 'show')), /198\.51\.100\.0\/24/)
})
