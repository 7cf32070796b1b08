import { CroftError } from '../../../api/errors.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { applyWord, deployAnswer } from '../../work/deploy.ts'

export async function run(context: Context): Promise<Answer> {
  const [site, secret] = [context.args.one('SITE'), context.args.one('SECRET')]
  // What was typed there is not repeated.
  if (context.args.maybe('VALUE') !== undefined || secret.includes('='))
    throw new CroftError('USAGE', 'a secret is not said on the command line, where everybody sees it', {
      hint: `croft secret set SITE NAME   and type it, or pipe it in`,
    })
  const isBuild = site.endsWith('/build')
  const value = await readSecret(context, `${secret} of ${site}: `)
  const change = { route: 'setSecret', params: { site, secret }, body: { value } } as const
  return changeAnswer(context, change, async ({ result }) =>
    context.flags.has('deploy') && !isBuild
      ? deployAnswer(context, site, {})
      : done(secret, `${secret} of ${site} is set, from the next ${isBuild ? 'build' : 'deploy'} on`, {
          record: result,
          hint: isBuild ? `croft build ${site.split('/')[0]}` : await applyWord(context, site),
        }),
  )
}

async function readSecret({ io }: Context, question: string): Promise<string> {
  const text = io.stdinTty ? await io.askHidden(question) : await io.readStdin()
  const value = text?.replace(/\r?\n$/, '') ?? ''
  if (value === '') throw new CroftError('USAGE', 'a secret is wanted, from the terminal or by stdin')
  // What was no UTF-8 came in as this.
  if (value.includes('\ufffd'))
    throw new CroftError('USAGE', 'the secret is not text in UTF-8', { hint: 'base64 FILE | croft secret set …' })
  return value
}
