/** `croft help toml`: a page of the file that an application is told by. */
export const tomlHelp = `croft.toml, at the root of an application's repository

sections
  [app]          name, platform; root, fallback (static, php)
  [build]        base, packages, commands, artifacts, env, secrets, submodules, memory, cpus, disk, timeout
  [env]          NAME = "text": the environment of all daemons and cron jobs
  [daemon.NAME]  command, port, health ("/up", "tcp", "none"), user, directory, memory, env, unit
  [cron.NAME]    schedule ("15 3 * * *"), command, on ("once", "each"), user, timeout
  [route]        domains, aliases, paths, and settings of croft route set
  [data.NAME]    path, size: a folder that outlives instances
  [instances]    count, size
  [before]       command, timeout: runs once before visitors come

example
  [app]
  name = "shop"

  [build]
  packages = ["...", "imagemagick"]
  commands = ["npm ci", "npm run build"]

  [env]
  DATABASE_URL = "postgres://shop:\${secret.DB_PASSWORD}@shop-db/shop"
  UPLOADS = "\${data.uploads.path}"

  [daemon.web]
  command = "node server.js"
  port = 3000
  health = "/up"

  [data.uploads]
  path = "uploads"
  size = "10G"

  [route]
  domains = ["shop.example.org"]

All of it: docs/croft-toml.md; editors complete it with docs/croft.schema.json.
What is set of a site goes before it: croft config set shop/prod instances.count=3
`

export const isTomlWord = (word: string | undefined): boolean => word === 'toml' || word === 'croft.toml'
