/**
 * A guest that runs one command: its first process is the host's busybox, static and read-only at /dev/.croft, with a
 * script of ours that takes every word from a file of its own and becomes the command. No word is ever part of a script,
 * and the guest's root need hold neither a shell nor anything else.
 */
import { copyFileSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { Definition } from '../driver.ts'

type Command = NonNullable<Definition['command']>

export const commandInit = '/dev/.croft/busybox sh /dev/.croft/start'
/** Read back when the guest is asked to stop. */
export const stopSignalFile = 'stop-signal'

export function commandFiles(command: Command): Record<string, { readonly text: string; readonly mode: number }> {
  const plain = (text: string) => ({ text, mode: 0o644 })
  const numbered = (kind: string, words: readonly string[]) =>
    words.map((word, index) => [`${kind}-${String(index).padStart(4, '0')}`, plain(word)] as const)
  return {
    start: { text: script, mode: 0o755 },
    ...Object.fromEntries([...numbered('env', environment(command)), ...numbered('word', command.words)]),
    'env-count': plain(`${environment(command).length}\n`),
    'word-count': plain(`${command.words.length}\n`),
    folder: plain(command.folder),
    user: plain(`${command.user}:${command.group}\n`),
    [stopSignalFile]: plain(`${command.stopSignal}\n`),
  }
}

const usual = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/', 'TERM=dumb']

function environment({ env }: Command): string[] {
  const named = new Set(env.map((word) => word.slice(0, word.indexOf('='))))
  return [...usual.filter((word) => !named.has(word.slice(0, word.indexOf('=')))), ...env]
}

export function copyBusybox(folder: string): void {
  const from = '/bin/busybox'
  const to = join(folder, 'busybox')
  if (!existsSync(from))
    throw new CroftError('COMMAND_MISSING', 'busybox is not installed', { hint: 'apt-get install busybox-static' })
  if (existsSync(to) && statSync(to).size === statSync(from).size) return
  copyFileSync(from, to)
}

/** What a word ends with stays: a shell takes line ends away from what it reads, so one letter goes behind. */
const script = `#!/dev/.croft/busybox sh
# croft: becomes the command that the guest's image names.
b=/dev/.croft/busybox
f=/dev/.croft
$b sh $f/first || exit
read -r envs <$f/env-count
read -r words <$f/word-count
read -r user <$f/user
folder=$($b cat $f/folder; echo .)
folder=\${folder%.}
cd "$folder" 2>/dev/null || { $b mkdir -p "$folder" && cd "$folder"; } || cd /
set --
i=0
while [ $i -lt $envs ]; do
  w=$($b cat $f/env-$($b printf %04d $i); echo .)
  set -- "$@" "\${w%.}"
  i=$((i + 1))
done
path=
for w in "$@"; do case $w in PATH=*) path=\${w#PATH=} ;; esac; done
program=$($b cat $f/word-0000; echo .)
program=\${program%.}
case $program in
  */*) ;;
  *) IFS=:
    for d in $path; do [ -x "$d/$program" ] && program=$d/$program && break; done
    unset IFS ;;
esac
if [ "$user" != 0:0 ]; then
  set -- "$@" $b start-stop-daemon -S -c "$user" -x "$program" --
else
  set -- "$@" "$program"
fi
i=1
while [ $i -lt $words ]; do
  w=$($b cat $f/word-$($b printf %04d $i); echo .)
  set -- "$@" "\${w%.}"
  i=$((i + 1))
done
exec $b env -i "$@"
`
