/** A web server of a few files inside a guest, from busybox: on port 8080, also after it was started again. */
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
