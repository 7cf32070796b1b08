/** Keeps notes as files: POST / adds one, GET / lists them. */
import { randomUUID } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'

const { DATA = 'data', GREETING = 'notes', PORT = '3000' } = process.env

async function list() {
  const names = (await readdir(DATA)).filter((name) => name.endsWith('.txt')).sort()
  return Promise.all(names.map((name) => readFile(join(DATA, name), 'utf8')))
}

async function answer(request, response) {
  if (request.url === '/up') return response.end('ok\n')
  if (request.method === 'POST') {
    let text = ''
    for await (const part of request) text = (text + part).slice(0, 1000)
    await writeFile(join(DATA, `${Date.now()}-${randomUUID()}.txt`), text)
    return response.writeHead(201).end()
  }
  const notes = await list()
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.end(`${[GREETING, ...notes].join('\n')}\n`)
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error)
    response.writeHead(500).end()
  })
})
server.listen(Number(PORT), () => console.log(`listening on ${PORT}`))
// Whoever asks on when we end gets his answer first.
process.once('SIGTERM', () => server.close(() => process.exit(0)))
