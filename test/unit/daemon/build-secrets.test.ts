/** What the commands of a build know goes by stdin: a command line is read by every user of the host. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BuildGuest, GuestWork } from '../../../src/daemon/farm/build-guest.ts'
import { putSecrets } from '../../../src/daemon/farm/build-secrets.ts'

test('no value of build.env stands on a command line', async () => {
  const words: string[] = []
  const sent: string[] = []
  const guest: Pick<BuildGuest, 'run' | 'runAsRoot'> = {
    async run(said, { stdin } = {}) {
      words.push(...said)
      for await (const bytes of stdin ?? []) sent.push(Buffer.from(bytes).toString())
      return ''
    },
    async runAsRoot(said) {
      words.push(...said)
      return ''
    },
  }
  const env = { TOKEN: 'value one', B: 'two\nlines' }
  const put = await putSecrets({} as GuestWork, guest as BuildGuest, { secrets: [], env })
  words.push(...put.around(['make']))
  await put.takeAway()
  assert.deepEqual(sent, ['value one', 'two\nlines'])
  assert.ok(words.some((word) => word.endsWith('/TOKEN')) && words.at(-2) !== 'make')
  assert.doesNotMatch(words.join('\0'), /value one|two/)
  const none = await putSecrets({} as GuestWork, guest as BuildGuest, { secrets: [], env: {} })
  assert.deepEqual(none.around(['make']), ['make'])
})
