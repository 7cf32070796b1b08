/** docs/cli.md, made from the table of commands. Pure; script/docs.ts writes it and a test compares. */
import { type CommandRow, commandName, nouns } from '../command.ts'
import { everywhere, type FlagName, flagRow, ofChanges, ofSeveral } from './flags.ts'
import { foreignVerbs } from './foreign.ts'
import { flagWord, settingOf, usageLine } from './help.ts'

export function reference(table: readonly CommandRow[]): string {
  const sections = [undefined, ...nouns].flatMap((noun) => {
    const rows = table.filter((row) => row.noun === noun)
    return rows.length === 0 ? [] : [`## ${noun ?? 'croft itself'}`, ...rows.map(section)]
  })
  return `${[head(table), flagSections(), exitCodes, ...sections].join('\n\n')}\n`
}

/** Those of other tools whose own word is there by now. */
function elsewhere(table: readonly CommandRow[]): string {
  const there = [...foreignVerbs].filter(([, own]) => table.some((row) => row.verb === own))
  return there.map(([word, own]) => `${word} → ${own}`).join(', ')
}

const head = (table: readonly CommandRow[]): string => `# The commands of croft

Made from the table of commands (\`src/cli/table/\`) by \`script/fix\`; \`croft help\` says the same.

    croft [NOUN] VERB [NAME…] [key=value…] [-- command]

Without a noun a guest is meant, or what the shape of the first name says; noun and verb may stand in either order (\`croft ls templates\`).
In what follows \`[NAME]\` may be left out and \`NAME...\` may be several.

| written | means |
|---|---|
| \`web\` | a guest |
| \`web@monday\` | its snapshot |
| \`debian:12\` | a template |
| \`'web*'\` | all guests whose name fits |
| \`-l owner=lark\`, \`-l owner!=lark\`, \`-l owner\` | all with that label, another value of it, any value of it |
| \`--all\` | all there are |
| \`-\` | the names that stdin holds |

Sizes are written \`512M\`, \`1.5G\`, \`2GiB\` or in bytes, always in powers of 1024; times \`30s\`, \`5m\`, \`2h\`. Nouns and verbs, also those that are planned, are
refused as names of guests. Words of other tools work and name ours once: ${elsewhere(table)}. A program \`croft-NAME\` on the PATH is a command
\`croft NAME\`, unless croft has one.

stdout is the answer; progress, hints and warnings go to stderr. Without a terminal there is no colour, no question, and nothing is cut. \`CROFT_SOCKET\`
names another daemon's socket, \`CROFT_OUTPUT\` another format than \`table\`.`

function flagSections(): string {
  return [
    '## Flags that every command takes',
    flagList(everywhere),
    '## Flags of commands that change something',
    flagList(ofChanges),
    'Ctrl-C and `--timeout` end the watching, not the work: the id of the operation is printed, for `croft op wait` and `croft op cancel`.',
    '## Flags of commands that take several guests',
    flagList(ofSeveral),
  ].join('\n\n')
}

const exitCodes = `## Exit codes

| code | means |
|---|---|
| 0 | done, or nothing to do |
| 1 | tried and failed; all is old or new, never half |
| 2 | the command line or a value is wrong; nothing was changed |
| 3 | not found |
| 4 | refused: permission, limit, policy, or a question without a terminal |
| 5 | conflict: exists, in use, busy, changed meanwhile |
| 6 | some of several failed; JSON lists which |
| 7 | daemon, store or pool unreachable |
| 8 | the time is up or you left; the work goes on |
| 9 | the doctor found something that must be mended |
| 10 | there are differences: \`host plan --exit-code\`, \`--dry-run --exit-code\` |

\`exec\` and \`shell\` exit as the command does: 125 is a failure of croft, 126 cannot be run, 127 is not there, 128 + N was ended by signal N.
Every error has a code of its own besides, with what to do: [errors.md](errors.md).`

function section(row: CommandRow): string {
  const traits = [
    row.changes ? 'Takes the flags of changes.' : '',
    row.bulk ? 'Takes several guests.' : '',
    row.watch ? '`-w` goes on and shows what changes.' : '',
    row.hidden ? 'Not for daily use: `croft help` does not list it.' : '',
  ].filter((text) => text !== '')
  const parts = [
    `### ${commandName(row)}`,
    `    ${usageLine(row)}`,
    `${sentence(row.summary)}${row.description ? ` ${row.description}` : ''}`,
  ]
  if (traits.length > 0) parts.push(traits.join(' '))
  if (row.settings) parts.push(settingList(row))
  if (row.flags.length > 0) parts.push(flagList(row.flags))
  parts.push(`\`\`\`\n${row.examples.join('\n')}\n\`\`\``)
  return parts.join('\n\n')
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`

function settingList(row: CommandRow): string {
  const lines = (row.settings ?? []).map((name) => {
    const { value, means } = settingOf(name)
    return `- \`${name === 'label.*' ? 'label.KEY' : name}=${value}\`: ${means}`
  })
  return lines.join('\n')
}

function flagList(names: readonly FlagName[]): string {
  return names
    .map((name) => {
      const { short, means } = flagRow(name)
      return `- ${short === undefined ? '' : `\`-${short}\`, `}\`${flagWord(name)}\`: ${means}`
    })
    .join('\n')
}
