/** What every runtime checks before it writes anything down: values were checked where they came in, and are again. */
import { isIP } from 'node:net'
import { CroftError } from '../../api/errors.ts'
import type { Definition, Disk } from './driver.ts'

export function checkDefinition(definition: Definition): void {
  const { number, id, hostName, rootPath, link, files } = definition
  checkNumber(number)
  for (const [name, text] of Object.entries({ id, hostName, rootPath, ...strings(link) })) {
    // A newline would begin another key of a configuration, and a key can name a program to run on the host.
    if (text === '' || /[\p{C}\p{Zl}\p{Zp}]/u.test(text)) throw badValue(name, text)
  }
  for (const address of link.more) if (isIP(address) === 0 || address.includes('%')) throw badValue('address', address)
  for (const { source, target } of [...(definition.mounts ?? []), ...(definition.volumes ?? [])])
    for (const path of [source, target])
      if (!path.startsWith('/') || /[\p{C}\p{Zl}\p{Zp}]|\/\.\.(\/|$)/u.test(path)) throw badValue('mount', path)
  for (const [name, text] of Object.entries(files)) {
    if (/[\p{Zl}\p{Zp}]|(?!\n)\p{C}/u.test(text)) throw badValue(name, text)
  }
  for (const [name, value] of Object.entries({ uidBase: definition.uidBase, mtu: link.mtu, ...definition.limits })) {
    if (!Number.isFinite(value) || value <= 0) throw badValue(name, String(value))
  }
  // Below lie the host's own users, and the last must fit in 32 bits.
  const { uidBase } = definition
  if (!Number.isInteger(uidBase) || uidBase < 65536 || uidBase > 0xffff0000) throw badValue('uidBase', String(uidBase))
}

export function checkNumber(number: number): void {
  if (!Number.isInteger(number) || number < 1 || number > 65534)
    throw new CroftError('BAD_VALUE', `no guest has the number ${number}`)
}

function strings({ name, ipv4, ipv6, mac }: Definition['link']): Record<string, string> {
  return { link: name, ipv4, ipv6, mac }
}

const badValue = (name: string, text: string): CroftError =>
  new CroftError('BAD_VALUE', `${name} must be printable and not empty, not ${JSON.stringify(text.slice(0, 60))}`)

export function checkDisk({ number, rootPath, uidBase, id }: Disk): void {
  checkNumber(number)
  if (!/^[a-z0-9]{1,40}$/.test(id)) throw new CroftError('BAD_VALUE', 'the id of a tool is of a-z and 0-9')
  if (!rootPath.startsWith('/') || /[\p{C}\p{Zl}\p{Zp}]/u.test(rootPath))
    throw new CroftError('BAD_VALUE', 'the path of a disk is absolute and printable')
  if (!Number.isInteger(uidBase) || uidBase < 65536) throw new CroftError('BAD_VALUE', 'a guest has ids of its own')
}
