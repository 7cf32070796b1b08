import type { AppConfig } from '../../api/app.ts'
import type { Platform, Read } from './platform.ts'

export const python: Platform = {
  defaults: {
    app: { platform: 'python' },
    build: { packages: ['python3', 'ca-certificates'] },
    env: { PORT: '${daemon.web.port}', PYTHONUNBUFFERED: '1' },
    daemon: { web: { command: 'python3 app.py', port: 8000, health: { kind: 'tcp' } } },
  },
  detect(files, read) {
    const lists = ['requirements.txt', 'pyproject.toml', 'setup.py'].filter((name) => files.includes(name))
    const start = django(files) ?? wsgi(files, read) ?? script(files)
    if (start === undefined || (lists.length === 0 && !start.certain)) return undefined
    return {
      platform: 'python',
      config: configOf(start, lists),
      found: [...start.found, ...lists],
      assumed: start.assumed,
    }
  },
}

interface Start {
  /** `gunicorn`, `uvicorn`: installed with the rest. Absent: the command is all. */
  readonly server?: 'gunicorn' | 'uvicorn'
  readonly words: string
  readonly before?: string
  readonly certain: boolean
  readonly found: readonly string[]
  readonly assumed: Readonly<Record<string, string>>
}

function django(files: readonly string[]): Start | undefined {
  if (!files.includes('manage.py')) return undefined
  const module = files.flatMap((name) => /^([A-Za-z_]\w*)\/wsgi\.py$/.exec(name)?.[1] ?? [])[0]
  if (module === undefined) return undefined
  return {
    ...{ server: 'gunicorn', words: `${module}.wsgi`, before: 'manage.py migrate --noinput', certain: true },
    found: ['manage.py', `${module}/wsgi.py`],
    assumed: { 'before.command': 'it is Django', 'daemon.web.command': `${module}/wsgi.py` },
  }
}

const modules = ['wsgi', 'app', 'main', 'application', 'server']
/** The name that the server is to call is one that the file assigns. */
function wsgi(files: readonly string[], read: Read): Start | undefined {
  for (const module of modules.filter((name) => files.includes(`${name}.py`))) {
    const text = read(`${module}.py`) ?? ''
    const [, name, asgi] =
      /^(app|application)\s*=\s*(?:(FastAPI|Starlette|Quart|Litestar)|Flask|Bottle|falcon|[\w.]*[Ww][Ss][Gg][Ii]\w*|create_app)\b/m.exec(
        text,
      ) ?? []
    const callable = name ?? /^def (app|application)\(environ/m.exec(text)?.[1]
    if (callable === undefined) continue
    return {
      ...{ server: asgi === undefined ? 'gunicorn' : 'uvicorn', words: `${module}:${callable}`, certain: true },
      found: [`${module}.py`],
      assumed: { 'daemon.web.command': `${module}.py has ${callable}` },
    }
  }
  return undefined
}

function script(files: readonly string[]): Start | undefined {
  const name = ['app.py', 'main.py', 'server.py', 'run.py'].find((each) => files.includes(each))
  if (name === undefined) return undefined
  return {
    words: name,
    certain: false,
    found: [name],
    assumed: { 'daemon.web.command': 'no server is known in it', 'daemon.web.port': 'the program reads PORT' },
  }
}

/** With a list of packages everything lies in `venv`; without one the distribution's server does. */
function configOf({ server, words, before }: Start, lists: readonly string[]): AppConfig {
  const venv = lists.length > 0
  const run = venv ? 'venv/bin/python' : 'python3'
  const serve = {
    gunicorn: `-m gunicorn --bind 0.0.0.0:\${daemon.web.port}`,
    uvicorn: `-m uvicorn --host 0.0.0.0 --port \${daemon.web.port}`,
  }
  const from = lists.includes('requirements.txt') ? '-r requirements.txt' : '.'
  return {
    app: { platform: 'python' },
    build: venv
      ? {
          packages: ['...', 'python3-venv'],
          commands: ['python3 -m venv venv', `venv/bin/pip install ${from}${server === undefined ? '' : ` ${server}`}`],
        }
      : { packages: ['...', ...(server === undefined ? [] : [server === 'uvicorn' ? 'python3-uvicorn' : 'gunicorn'])] },
    daemon: {
      web: {
        command: server === undefined ? `${run} ${words}` : `${run} ${serve[server]} ${words}`,
        port: 8000,
        health: { kind: 'tcp' },
      },
    },
    ...(before === undefined ? {} : { before: { command: `${run} ${before}` } }),
  }
}
