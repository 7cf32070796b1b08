/**
 * The budgets of one host, beside the raw tools and, with --with-lxd, LXD, in one run and in turn. Prints a table;
 * --write puts it into docs/benchmarks.md. Figures are for reading, no test asserts one.
 */
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Guest } from '../src/api/guest.ts'
import { createTestFarm, type TestFarm } from '../test/system/farm.ts'
import { files } from './files.ts'
import { createLxd, type Lxd } from './lxd.ts'
import { creates, operations, withMany } from './many.ts'
import { command, type Figure, measure, type Row, residentMb, table } from './measure.ts'
import { createRaw } from './raw.ts'
import { answersSsh } from './ssh.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '15' },
    guests: { type: 'string', default: '0' },
    'at-once': { type: 'string', default: '0' },
    'in-a-row': { type: 'string', default: '0' },
    operations: { type: 'string', default: '0' },
    files: { type: 'boolean', default: false },
    edge: { type: 'boolean', default: false },
    apps: { type: 'boolean', default: false },
    /** So many hosts; and how large the guest is that moves. */
    hosts: { type: 'string', default: '0' },
    mib: { type: 'string', default: '1024' },
    idle: { type: 'string', default: '2000' },
    'with-lxd': { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs)
const idleMs = Number(values.idle)
const say = (line: string) => process.stderr.write(`${line}\n`)

const farm = await createTestFarm()
const lxd = values['with-lxd'] ? await createLxd(farm.template.path) : undefined
try {
  if (values.edge) await measureEdge()
  else if (values.apps) await measureApps()
  else if (values.hosts !== '0') await measureHosts()
  else await measureHost()
} finally {
  await lxd?.dispose()
  await farm.croft('rm', '--all', '-y')
  await farm.dispose()
}

async function measureEdge(): Promise<void> {
  await farm.croftOk('create', 'g1', 'debian:12')
  const { edge } = await import('./edge.ts')
  process.stdout.write([...header(), '', ...(await edge(farm, say)), ''].join('\n'))
}

async function measureApps(): Promise<void> {
  const { apps } = await import('./apps.ts')
  const { figures, memory } = await apps(farm, { runs, idleMs, say })
  report(figures, memory)
}

async function measureHosts(): Promise<void> {
  const { hostsFigures } = await import('./hosts.ts')
  const pace = { runs, idleMs, say, count: Number(values.hosts), mib: Number(values.mib) }
  const { figures, memory } = await hostsFigures(farm, pace)
  report(figures, memory)
}

async function measureHost(): Promise<void> {
  say('preparing')
  for (let i = 1; i <= 5; i++) await farm.croftOk('create', `g${i}`, 'debian:12')
  const idle = residentMb(farm)
  const raw = await rawFor(farm)
  const figures: Figure[] = []
  for (const row of rows(farm, raw, lxd)) {
    say(row.what)
    figures.push(...(await measure(row, runs, idleMs)))
  }
  const few = residentMb(farm)
  const pace = { runs, idleMs: Math.min(idleMs, 500), say }
  const croft = croftOf(farm)
  const memory = [
    `| daemon, 5 guests running | ${idle.toFixed(0)} |`,
    `| the same after all this | ${few.toFixed(0)} |`,
  ]
  const remember = (what: string) => memory.push(`| ${what} | ${residentMb(farm).toFixed(0)} |`)
  if (values.files) figures.push(...(await files(farm, croft, pace)))
  for (const [order, count] of [
    ['in a row', values['in-a-row']],
    ['at once', values['at-once']],
  ] as const)
    if (count !== '0') figures.push(...(await creates(order, { croft, lxd }, Number(count), pace)))
  if (values.operations !== '0') {
    await operations(farm, Number(values.operations), pace)
    remember(`after ${values.operations} operations`)
  }
  if (values.guests !== '0') {
    figures.push(...(await withMany(farm, croft, Number(values.guests), pace)))
    remember(`with ${values.guests} guests more`)
  }
  report(figures, memory)
  await raw.dispose()
}

async function rawFor(farm: TestFarm) {
  const guest = await farm.json<Guest>('show', 'g1')
  const raw = createRaw({
    namespace: farm.namespaces.host,
    env: farm.env(),
    template: join(farm.poolDir, 'templates', farm.template.manifest.id),
    poolDir: farm.poolDir,
    stateDir: farm.stateDir,
    model: {
      folder: join(farm.stateDir, 'lxc', String(guest.number)),
      root: join(farm.poolDir, 'guests', String(guest.number), 'roots', guest.spec.root.id),
      number: guest.number,
      ipv4: guest.ipv4,
    },
  })
  raw.define()
  return raw
}

function rows(farm: TestFarm, raw: ReturnType<typeof createRaw>, lxd: Lxd | undefined): Row[] {
  const croft = croftOf(farm)
  const peer = <T>(contestant: (lxd: Lxd) => T): T[] => (lxd ? [contestant(lxd)] : [])
  let name = 'x'
  let count = 0
  const next = () => {
    count += 1
    name = `x${count}`
  }
  const createNext = () => {
    next()
    return croft('create', name, 'debian:12')
  }
  const removeIt = () => croft('rm', name, '-y')
  return [
    {
      what: 'create to RUNNING',
      budgetMs: 120,
      contestants: [
        { name: 'croft', before: async () => next(), run: () => croft('create', name, 'debian:12'), after: removeIt },
        { name: 'raw snapshot + lxc-start', run: raw.create, after: raw.remove },
        ...peer((lxd) => ({ name: 'lxc launch (LXD)', run: () => lxd.launch('x'), after: () => lxd.remove('x') })),
      ],
    },
    {
      what: 'create to ssh answering',
      budgetMs: 320,
      contestants: [
        {
          name: 'croft',
          before: async () => next(),
          run: async () => {
            await croft('create', name, 'debian:12')
            const { ipv4 } = JSON.parse((await farm.api('GET', `/v1/guests/${name}`)).text) as Guest
            await answersSsh(farm.namespaces.host, ipv4)
          },
          after: removeIt,
        },
        {
          name: 'raw',
          run: () => raw.create().then(() => answersSsh(farm.namespaces.host, raw.ipv4)),
          after: raw.remove,
        },
      ],
    },
    {
      what: 'remove a running guest',
      budgetMs: 180,
      contestants: [
        { name: 'croft', before: createNext, run: removeIt },
        { name: 'raw lxc-stop -k + subvolume delete', before: raw.create, run: raw.remove },
        ...peer((lxd) => ({ name: 'lxc delete -f (LXD)', before: () => lxd.launch('x'), run: () => lxd.remove('x') })),
      ],
    },
    {
      what: 'exec true',
      budgetMs: 45,
      contestants: [
        { name: 'croft', run: () => croft('exec', 'g1', '--', 'true') },
        { name: 'raw lxc-attach', before: raw.create, run: () => raw.attach('true'), after: raw.remove },
        ...peer((lxd) => ({
          name: 'lxc exec (LXD)',
          before: () => lxd.launch('x'),
          run: () => lxd.exec('x'),
          after: () => lxd.remove('x'),
        })),
      ],
    },
    {
      what: 'ls, 5 guests',
      budgetMs: 45,
      contestants: [
        { name: 'croft', run: () => croft('ls') },
        {
          name: 'raw lxc-ls -f',
          run: () =>
            command(
              'nsenter',
              [`--net=/run/netns/${farm.namespaces.host}`, '--', 'lxc-ls', '-P', join(farm.stateDir, 'lxc'), '-f'],
              farm.env(),
            ),
        },
        ...peer((lxd) => ({ name: 'lxc ls (LXD)', run: lxd.list })),
      ],
    },
  ]
}

/** The bundled command, as a process on the farm's host. */
function croftOf(farm: TestFarm): (...words: string[]) => Promise<void> {
  const entry = process.env.CROFT_ENTRY ?? ''
  return (...words) =>
    command('nsenter', [`--net=/run/netns/${farm.namespaces.host}`, '--', entry, ...words], farm.env())
}

function report(figures: readonly Figure[], memory: readonly string[]): void {
  const text = [
    ...header(),
    'Whole commands as processes; contestants in turn; figures of one run on a shared machine: read the ratios.',
    '',
    table(figures),
    '',
    '| resident memory | MB |',
    '|---|---:|',
    ...memory,
    '',
  ].join('\n')
  process.stdout.write(text)
  if (values.write) writeFileSync(new URL('../docs/benchmarks.md', import.meta.url), `# Benchmarks\n\n${text}`)
}

function header(): string[] {
  const words = process.argv.slice(2).filter((word) => word !== '--write')
  const machine = `${os.availableParallelism()} × ${os.cpus()[0]?.model ?? 'cpu'}, kernel ${os.release()}`
  return [`Made by \`script/bench ${words.join(' ')}\` on ${machine}.`]
}
