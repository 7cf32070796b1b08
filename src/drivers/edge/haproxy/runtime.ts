/** Tells the serving worker what changed, in words. Any word that it does not take throws: then new workers are needed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import { certificatesFile, type Layout, mapFiles } from './layout.ts'
import type { Made, Told } from './made.ts'
import type { Entries } from './maps.ts'
import { parseServers } from './parse.ts'
import type { Talk } from './socket.ts'
import { certificateChange, changedBackends, changedTables, serverWords } from './words.ts'

/** One command with what follows it must fit HAProxy's buffer. */
const mostBytes = 12_000

export async function tell(talk: Talk, layout: Layout, { before, made }: { before: Told; made: Made }): Promise<void> {
  const say = (words: string) => talk.say(`@1 ${words}`)
  await tellCertificates(say, layout, { before, made })
  for (const file of changedTables(before, made.told))
    await replaceTable(say, join(layout.folder, file), made.tables.get(file) ?? [])
  await tellServers(say, changedBackends(before, made.told), made)
  await must(say, `set map ${join(layout.folder, mapFiles.mark)} mark ${made.mark}`)
}

type Say = (words: string) => Promise<string>

/** All of it at once: until the commit the worker answers by the old entries. */
async function replaceTable(say: Say, file: string, entries: Entries): Promise<void> {
  const kind = file.endsWith('.map') ? 'map' : 'acl'
  const version = /New version created: (\d+)/.exec(await say(`prepare ${kind} ${file}`))?.[1]
  if (version === undefined) throw refused(`prepare ${kind} ${file}`, 'no version')
  // A map takes many at once, a list one by one.
  const added = kind === 'map' ? inParts(entries).map((part) => `<<\n${part}`) : entries
  for (const one of added) await must(say, `add ${kind} @${version} ${file} ${one}`)
  await must(say, `commit ${kind} @${version} ${file}`)
}

function inParts(entries: Entries): string[] {
  const parts: string[] = []
  let part = ''
  for (const entry of entries) {
    if (part.length + entry.length > mostBytes) {
      parts.push(part)
      part = ''
    }
    part += `${entry}\n`
  }
  return part === '' ? parts : [...parts, part]
}

async function tellServers(say: Say, backends: readonly string[], made: Made): Promise<void> {
  for (const backend of backends) {
    const wish = made.told.servers[backend]
    if (!wish) continue
    const present = parseServers(await say(`show servers state ${backend}`))
    for (const words of serverWords(backend, wish, present)) {
      const answer = await say(words)
      if (!isTaken(words, answer)) throw refused(words, answer)
    }
  }
}

/** A server that still has connections rests, and goes with the next new workers. */
function isTaken(words: string, answer: string): boolean {
  if (words.startsWith('del server')) return /deleted|connections|attached/i.test(answer)
  if (words.startsWith('add server')) return /New server registered/i.test(answer)
  if (/ addr /.test(words)) return /changed from|no need to change/i.test(answer)
  return answer === ''
}

async function tellCertificates(
  say: Say,
  layout: Layout,
  { before, made }: { before: Told; made: Made },
): Promise<void> {
  const list = join(layout.folder, certificatesFile)
  const { added, removed, renewed } = certificateChange(before, made.told)
  const load = async (file: string) => {
    const pem = (await readFile(file, 'utf8')).trimEnd()
    if (pem.length > mostBytes) throw refused(`set ssl cert ${file}`, 'it is too long for words')
    await must(say, `set ssl cert ${file} <<\n${pem}\n`, /Transaction (created|updated)/)
    await must(say, `commit ssl cert ${file}`, /Success!/)
  }
  for (const file of renewed) await load(file)
  for (const { file, line } of added) {
    await must(say, `new ssl cert ${file}`, /New empty certificate store/)
    await load(file)
    await must(say, `add ssl crt-list ${list} <<\n${line}\n`, /Success!/)
  }
  for (const file of removed) {
    await must(say, `del ssl crt-list ${list} ${file}`, /deleted/)
    await must(say, `del ssl cert ${file}`, /deleted/)
  }
}

async function must(say: Say, words: string, good: RegExp = /^$/): Promise<void> {
  const answer = await say(words)
  if (!good.test(answer)) throw refused(words, answer)
}

const refused = (words: string, answer: string): CroftError =>
  new CroftError('FAILED', `the edge does not take "${words.split('\n')[0]}": ${answer.slice(0, 300)}`)
