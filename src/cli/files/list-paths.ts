/** What a running guest says lies in a folder, for who types a path: little, soon, or nothing. */
import type { Context } from '../context.ts'
import { insideProgram, wayToFiles } from '../process/attach.ts'
import { runStreamed } from '../process/spawn.ts'
import { parsePoint } from '../words/point.ts'
import { toolsEnv } from './guest-files.ts'

const maxBytes = 256 * 1024
const graceMs = 100

/** For `web:/etc/ho` what begins so, folders with a slash behind. A disk that rests is not woken for this. */
export async function listPaths(context: Context, typed: string, signal: AbortSignal): Promise<readonly string[]> {
  const point = parsePoint(typed)
  if (point.kind !== 'file' || !point.path.startsWith('/')) return []
  const { guest, path } = point
  const { status } = await context.client.request('getGuest', { params: { guest }, signal })
  if (status?.state !== 'running') return []
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const begun = path.slice(folder.length)
  const how = await wayToFiles(context, guest, signal)
  const text = await said(insideProgram(how, { command: ['ls', '-1Ap', '--', folder], env: toolsEnv }), signal)
  return text
    .split('\n')
    .filter((name) => /^[^/]+\/?$/.test(name) && name.startsWith(begun) && (begun !== '' || !name.startsWith('.')))
    .map((name) => `${guest}:${folder}${name}`)
}

/** Its whole lines; of one that never ends those that came. */
async function said(program: Parameters<typeof runStreamed>[0], signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  const enough = new AbortController()
  const onOutput = (part: Buffer) => {
    bytes += part.length
    if (bytes > maxBytes) enough.abort()
    else parts.push(part)
  }
  const options = { onOutput, signal: AbortSignal.any([signal, enough.signal]), graceMs }
  await runStreamed(program, options).catch((thrown: unknown) => {
    if (!enough.signal.aborted) throw thrown
  })
  const text = Buffer.concat(parts).toString('utf8')
  return text.slice(0, text.lastIndexOf('\n') + 1)
}
