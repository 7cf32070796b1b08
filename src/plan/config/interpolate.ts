/**
 * `${env.PORT}`, `${daemon.web.port}`, `${site}` in any text. `$${` is `${` itself. `${secret.NAME}` is left for the moment when an instance's files are
 * written, and only in environments: a secret is in no configuration, and on no command line.
 */
import { CroftError } from '../../api/errors.ts'
import { nearest } from '../../api/nearest.ts'
import { absolute, type Flat } from './paths.ts'
import { wrongAt } from './wrong.ts'

export type Words = Readonly<Record<string, string>>

const pattern = /\$\$\{(?:secret\.)?|\$\{([^}]*)\}?/g
const mostLetters = 64 * 1024
/** Of all texts together: what few lines unfold to is held in memory, for each instance. */
const mostInAll = 512 * 1024
const deepest = 64
const secret = /^secret\.([A-Za-z_][A-Za-z0-9_]{0,199})$/
/** What may hold several lines. */
const lines = /^(build\.env|env|daemon\.[^.]+\.env)\./
/** Named from elsewhere, they are what they are inside of the instance. */
const folder = /^(data\.[^.]+\.path|daemon\.[^.]+\.directory)$/
const environment = /^(env|daemon\.[^.]+\.env)\./

/** Reads values with all names in them replaced; each is worked out once. `onUnknown` takes what else would be thrown of a name that is not there. */
export function interpolator(
  flat: Flat,
  about: Words,
  onUnknown?: (wrong: CroftError) => void,
): (path: string) => unknown {
  const done = new Map<string, unknown>()
  const doing: string[] = []
  let inAll = 0

  const read = (path: string): unknown => {
    if (done.has(path)) return done.get(path)
    if (doing.includes(path)) {
      const circle = [...doing.slice(doing.indexOf(path)), path].join(' → ')
      throw wrongAt(path, `${circle.slice(0, 500)} goes round in a circle`)
    }
    if (doing.length >= deepest) throw wrongAt(path, `${path}: names lead to names more than ${deepest} times`)
    doing.push(path)
    const value = replaced(flat.get(path), path)
    doing.pop()
    done.set(path, value)
    return value
  }
  const replaced = (value: unknown, path: string): unknown => {
    if (typeof value === 'string') return text(value, path)
    if (Array.isArray(value)) return value.map((each) => replaced(each, path))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each, path)]))
  }
  const text = (value: string, path: string): string => {
    let put = 0
    const result = value.replaceAll(pattern, (whole, name?: string) => {
      const part = name === undefined ? escaped(whole, path) : named(whole, name, path)
      put += part.length
      if (put > mostLetters) throw tooLong(path)
      return part
    })
    if (result.length > mostLetters) throw tooLong(path)
    inAll += result.length
    if (inAll > mostInAll)
      throw new CroftError('BAD_VALUE', `the configuration unfolds to more than ${mostInAll / 1024} KiB`)
    if (!lines.test(path) && /[\p{C}\p{Zl}\p{Zp}]/u.test(result))
      throw wrongAt(path, `${path} must be one line of printable characters`)
    return result
  }
  /** `$${secret.` stays as it is where secrets are put in later. */
  const escaped = (whole: string, path: string): string =>
    whole.endsWith('.') && environment.test(path) ? whole : whole.slice(1)
  const named = (whole: string, name: string, path: string): string => {
    if (secret.test(name)) {
      if (environment.test(path)) return whole
      throw onlyInEnvironments(path, whole)
    }
    if (Object.hasOwn(about, name)) return about[name] ?? ''
    if (!flat.has(name) || !whole.endsWith('}')) {
      const wrong = notThere(whole, name, path, [...Object.keys(about), ...flat.keys()])
      if (!onUnknown) throw wrong
      onUnknown(wrong)
      return ''
    }
    const found = read(name)
    if (typeof found === 'object') throw wrongAt(path, `${path}: ${name} is no text or number`)
    if (!environment.test(path) && /\$\{secret\./.test(String(found))) throw onlyInEnvironments(path, whole)
    return folder.test(name) ? absolute(String(found)) : String(found)
  }
  return read
}

const tooLong = (path: string): CroftError => wrongAt(path, `${path} grows beyond ${mostLetters / 1024} KiB`)

function onlyInEnvironments(path: string, whole: string): CroftError {
  return wrongAt(
    path,
    `${path}: ${whole} holds a secret, which may stand in an environment only`,
    `[env] NAME = "${whole}", and the program reads NAME`,
  )
}

function notThere(whole: string, name: string, path: string, known: readonly string[]): CroftError {
  const near = nearest(name, known) ?? known.find((each) => each === `env.${name}`)
  return wrongAt(
    path,
    `${path}: there is no ${whole.slice(0, 100)}${near === undefined ? '' : `; did you mean \${${near}}?`}`,
    near === undefined ? '$${ writes ${ itself' : undefined,
  )
}

const reference = /\$?\$\{secret\.(?:([A-Za-z_][A-Za-z0-9_]*)\})?/g

/** Puts secrets where they are named. */
export function withSecrets(text: string, secrets: Words): string {
  return text.replaceAll(reference, (whole, name?: string) => {
    if (whole.startsWith('$$')) return whole.slice(1)
    if (name !== undefined && Object.hasOwn(secrets, name)) return secrets[name] ?? ''
    throw missingSecret(name ?? whole)
  })
}
/** Which secrets a text asks for. */
export const secretsIn = (text: string): string[] =>
  [...text.matchAll(reference)].flatMap(([whole, name]) => (whole.startsWith('$$') || name === undefined ? [] : [name]))
export const missingSecret = (name: string): CroftError =>
  new CroftError('REFUSED', `there is no secret ${name}`, { hint: `croft secret set SITE ${name}` })
