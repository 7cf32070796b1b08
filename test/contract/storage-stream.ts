/** Streams as `btrfs send` writes them, made by hand: what no honest pool would send. */
const commands = { subvolume: 1, mkfile: 3, symlink: 8, rename: 9, write: 15, chmod: 18, end: 21 } as const
const fields = {
  uuid: 1,
  ctransid: 2,
  ino: 3,
  mode: 5,
  path: 15,
  pathTo: 16,
  pathLink: 17,
  offset: 18,
  bytes: 19,
} as const

export type StreamCommand = readonly [keyof typeof commands, Partial<Record<keyof typeof fields, string | number>>]

export function makeStream(all: readonly StreamCommand[]): Buffer {
  const head = Buffer.alloc(17)
  head.write('btrfs-stream')
  head.writeUInt32LE(1, 13)
  return Buffer.concat([head, ...all.map(encode)])
}

export const subvolume = (path: string): StreamCommand => ['subvolume', { path, uuid: 'u'.repeat(16), ctransid: 1 }]

function encode([name, given]: StreamCommand): Buffer {
  const body = Buffer.concat(
    Object.entries(given).map(([field, value]) => encodeField(field as keyof typeof fields, value)),
  )
  const head = Buffer.alloc(10)
  head.writeUInt32LE(body.length, 0)
  head.writeUInt16LE(commands[name], 4)
  head.writeUInt32LE(crc32c(Buffer.concat([head, body])), 6)
  return Buffer.concat([head, body])
}

function encodeField(field: keyof typeof fields, value: string | number): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.alloc(8)
  if (typeof value === 'number') bytes.writeBigUInt64LE(BigInt(value))
  const head = Buffer.alloc(4)
  head.writeUInt16LE(fields[field], 0)
  head.writeUInt16LE(bytes.length, 2)
  return Buffer.concat([head, bytes])
}

/** Castagnoli's, from 0 and not inverted, as btrfs counts it. */
function crc32c(bytes: Buffer): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return crc >>> 0
}
