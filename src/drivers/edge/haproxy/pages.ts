/** What people see when no guest answers. Pure. */

const words: Readonly<Record<number, readonly [string, string]>> = {
  400: ['Bad Request', 'This request could not be understood.'],
  401: ['Unauthorized', 'A name and a password are needed here.'],
  403: ['Forbidden', 'You may not come here from where you are.'],
  404: ['Not Found', 'Nothing is served at this address.'],
  408: ['Request Timeout', 'The request took too long to arrive.'],
  413: ['Payload Too Large', 'What was sent is larger than is taken here.'],
  429: ['Too Many Requests', 'Too many requests came from your address. Try again in a moment.'],
  500: ['Internal Server Error', 'Something went wrong here.'],
  502: ['Bad Gateway', 'The application gave no answer that can be read.'],
  503: ['Service Unavailable', 'The application is not there at the moment. Try again soon.'],
  504: ['Gateway Timeout', 'The application took too long to answer.'],
}

export const pageStatuses: readonly number[] = Object.keys(words).map(Number)

/** A whole answer, as HAProxy reads it. */
export function page(status: number): string {
  const [reason = '', text = ''] = words[status] ?? []
  const body = html(`${status} ${reason}`, text)
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    'content-type: text/html; charset=utf-8',
    'cache-control: no-store',
    `content-length: ${Buffer.byteLength(body)}`,
    ...(status === 429 ? ['retry-after: 1'] : []),
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** So much of what nobody takes is read and thrown away. */
const mostDrained = 64 * 1024 ** 2

/**
 * Over HTTP/2 an answer that comes before the end of the request is followed by a reset, and clients drop it with that. So these two
 * come behind what is sent: a service in Lua, for no line of configuration reads a body.
 */
export function drainingScript(): string {
  const [reason = '', text = ''] = words[413] ?? []
  const tooLarge = [413, reason, 'text/html; charset=utf-8', html(`413 ${reason}`, text)]
  const lengthRequired = [411, 'Length Required', 'text/plain', lengthNeeded]
  const service = (name: string, answer: readonly (string | number)[]) =>
    `core.register_service("${name}", "http", after(${answer.map((part) => JSON.stringify(part)).join(', ')}))\n`
  return `${draining}${service('too_large', tooLarge)}${service('length_required', lengthRequired)}`
}
export const lengthNeeded = 'A length is needed here.\n'

const draining = `local function after(status, reason, kind, text)
  return function(applet)
    local left = ${mostDrained}
    while left > 0 do
      local part = applet:receive(16384)
      if part == nil or #part == 0 then break end
      left = left - #part
    end
    applet:set_status(status, reason)
    applet:add_header("content-type", kind)
    applet:add_header("cache-control", "no-store")
    applet:add_header("content-length", tostring(#text))
    applet:start_response()
    applet:send(text)
  end
end
`

export const maintenancePage = (text = 'This site is being worked on and will be back soon.'): string =>
  html('Maintenance', text)

const html = (title: string, text: string): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color:#333}h1{font-size:1.3rem}</style>
<h1>${escaped(title)}</h1><p>${escaped(text)}</p></html>
`

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
