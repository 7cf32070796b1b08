/** What a value of a setting is refused for is told by the word that was typed: `body-max`, not the field that it becomes. */
import type { ErrorBody } from '../../api/errors.ts'
import { RemoteError } from '../wire/request.ts'

type Settings = readonly (readonly [key: string, value: string])[]

export function asTyped(thrown: unknown, settings: Settings): unknown {
  if (!(thrown instanceof RemoteError) || thrown.code !== 'BAD_VALUE') return thrown
  const [, path = '', rest = ''] = /^([\w.]+): (.+)$/s.exec(thrown.message) ?? []
  const fields = path.split('.').filter((part) => !/^\d+$/.test(part))
  const word = (fields.at(-1) ?? '').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const typed = [...fields.slice(0, -1), word].join('-')
  const key = [typed, word].find((each) => settings.some(([one]) => one === each))
  if (key === undefined) return thrown
  const body: ErrorBody = { ...thrown.toBody(), message: `${key}: ${rest}` }
  return new RemoteError(body)
}
