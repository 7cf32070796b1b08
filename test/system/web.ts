/** For tests of the edge: a web server of a few files inside a guest, from busybox: on port 8080, also after it was started again. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestFarm } from './farm.ts'

const unit = `[Service]
ExecStart=/srv/busybox httpd -f -p 8080 -h /srv/www
[Install]
WantedBy=multi-user.target
`

export async function serveFolder(
  farm: TestFarm,
  guest: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'croft-www-'))
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
    await farm.croftOk('exec', guest, '--', 'mkdir', '-p', '/srv/www')
    for (const name of Object.keys(files)) await farm.croftOk('push', join(folder, name), `${guest}:/srv/www/${name}`)
    await farm.croftOk('push', '/bin/busybox', `${guest}:/srv/busybox`)
    await writeFile(join(folder, 'www.service'), unit)
    await farm.croftOk('push', join(folder, 'www.service'), `${guest}:/etc/systemd/system/www.service`)
    await farm.croftOk('exec', guest, '--', 'systemctl', 'enable', '--now', 'www')
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** `n0.example.org` and so on, over http, like the route `model`: as records, which the daemon finds as it finds its own. */
export async function addRoutes(farm: TestFarm, model: string, count: number): Promise<void> {
  const { body } = await farm.api('GET', `/v1/data?prefix=routes/${model}`)
  const [{ value }] = body as [{ value: { spec: { target: object } } }]
  const put = async (number: number) => {
    const name = `n${number}.example.org`
    const route = { ...value, id: `n${number}n${number}`, name, spec: { target: value.spec.target, https: 'off' } }
    const { status, text } = await farm.api('PUT', `/v1/data?key=routes/${name}`, { value: route })
    assert.equal(status, 200, text)
  }
  for (let from = 0; from < count; from += 50) await Promise.all(Array.from({ length: 50 }, (_, at) => put(from + at)))
}
