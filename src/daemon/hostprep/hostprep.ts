/**
 * Makes a fresh Debian ready for guests (DESIGN §8), and takes exactly that back. Told twice it changes nothing the
 * second time. What is changed is written down first, so that a crash in between can be undone too.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import { ensureSetting, readSetting } from '../../drivers/network/routed/settings.ts'
import { addLine, readText, removeLine, replaceFile } from './files.ts'
import { forgetPrepared, readPrepared, writePrepared } from './record.ts'
import { covers, lineOf, overlapping, ownRange, parseRanges } from './subordinate.ts'
import { dotted, setByNetwork, settings, valueFor } from './values.ts'

export interface HostPaths {
  readonly sysctl: string
  readonly confFile: string
  readonly subuid: string
  readonly subgid: string
  readonly record: string
  /** A folder for each link of the host. */
  readonly links: string
}

export const hostPaths: HostPaths = {
  sysctl: '/proc/sys',
  confFile: '/etc/sysctl.d/60-croft.conf',
  subuid: '/etc/subuid',
  subgid: '/etc/subgid',
  record: '/var/lib/croft/host-prepared',
  links: '/sys/class/net',
}

const confHeader = '# Written by "croft host-prepare", taken away by "croft host-prepare --undo".'

/** One line for each thing it changed. Throws REFUSED, before any change, when the ids are somebody else's. */
export async function prepareHost(paths: HostPaths = hostPaths): Promise<string[]> {
  await assertIdsFree(paths)
  return [...(await prepareSettings(paths)), ...(await prepareIds(paths))]
}

/** The kernel's settings: now, and at every boot. */
export async function prepareSettings(paths: HostPaths = hostPaths): Promise<string[]> {
  const changes: string[] = []
  const lines = [confHeader]
  for (const path of setByNetwork) {
    const found = await readSetting(paths.sysctl, path)
    if (found === '0') await rememberSetting(paths, path, { from: found, to: '1' })
  }
  for (const setting of settings) {
    const found = await readSetting(paths.sysctl, setting.path)
    if (found === undefined) continue
    const to = String(valueFor(setting, Number(found)))
    lines.push(`# ${setting.why}`, `${dotted(setting.path)} = ${to}`)
    if (found === to) continue
    await rememberSetting(paths, setting.path, { from: found, to })
    changes.push(...(await ensureSetting(paths.sysctl, setting.path, to)))
  }
  const conf = `${lines.join('\n')}\n`
  if ((await readText(paths.confFile)) === conf) return changes
  await replaceFile(paths.confFile, conf)
  return [...changes, `${paths.confFile}: written`]
}

/** The line for guests' ids in /etc/subuid and /etc/subgid. */
export async function prepareIds(paths: HostPaths = hostPaths): Promise<string[]> {
  await assertIdsFree(paths)
  const changes: string[] = []
  const own = ownRange()
  for (const file of [paths.subuid, paths.subgid]) {
    if (covers(parseRanges((await readText(file)) ?? ''), own)) continue
    const prepared = await readPrepared(paths.record)
    await writePrepared(paths.record, { ...prepared, lines: { ...prepared.lines, [file]: lineOf(own) } })
    await addLine(file, lineOf(own))
    changes.push(`${file}: ${lineOf(own)} added`)
  }
  return changes
}

/** Settings that somebody changed since are left as they are. */
export async function undoHost(paths: HostPaths = hostPaths): Promise<string[]> {
  const prepared = await readPrepared(paths.record)
  const changes: string[] = []
  const others = await hasBridge(paths)
  for (const [path, { from, to }] of Object.entries(prepared.settings)) {
    if (others && setByNetwork.includes(path)) continue
    if ((await readSetting(paths.sysctl, path)) === to) changes.push(...(await ensureSetting(paths.sysctl, path, from)))
  }
  if ((await readText(paths.confFile))?.startsWith(confHeader)) {
    await rm(paths.confFile)
    changes.push(`${paths.confFile}: removed`)
  }
  for (const [file, line] of Object.entries(prepared.lines)) {
    if (await removeLine(file, line)) changes.push(`${file}: ${line} removed`)
  }
  await forgetPrepared(paths.record)
  return changes
}

/** Whoever made one needs the forwarding that we found switched off. */
async function hasBridge({ links }: HostPaths): Promise<boolean> {
  const names = await readdir(links).catch(() => [])
  const found = await Promise.all(names.map((name) => stat(join(links, name, 'bridge')).catch(() => undefined)))
  return found.some((one) => one !== undefined)
}

/** The first value found is the one to go back to, however often it is raised later. */
async function rememberSetting(paths: HostPaths, path: string, change: { from: string; to: string }): Promise<void> {
  const prepared = await readPrepared(paths.record)
  const from = prepared.settings[path]?.from ?? change.from
  await writePrepared(paths.record, {
    ...prepared,
    settings: { ...prepared.settings, [path]: { from, to: change.to } },
  })
}

async function assertIdsFree(paths: HostPaths): Promise<void> {
  const own = ownRange()
  for (const file of [paths.subuid, paths.subgid]) {
    const [clash] = overlapping(parseRanges((await readText(file)) ?? ''), own)
    if (clash)
      throw new CroftError('REFUSED', `${file}: ${lineOf(clash)} shares ids with croft's ${lineOf(own)}`, {
        hint: `give ${clash.owner} another range in ${file}, then: croft host-prepare`,
      })
  }
}
