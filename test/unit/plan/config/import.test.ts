import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CroftError } from '../../../../src/api/errors.ts'
import { importAppFile } from '../../../../src/plan/config/import/import.ts'
import { parseAppFile } from '../../../../src/plan/config/parse.ts'

const metactl = `
# common to all
[env]
JOB_MANAGER_PORT = 9000
DB_URL = mysql://myapp:hunter2@mysql.example.org/myapp

[daemon.webapp]
platform = jetty6
jetty.port = 8088
jvm.heap.max = 256m

[daemon.Job Manager]
platform = jvm
jvm.jar = jobmanager.jar %(JOB_MANAGER_PORT)
jvm.heap.max = 128m

[daemon.simple]
command = ./bin/mycoolapp -F
nice = 5

[crontab]
daily housekeeping = 5 0 * * * curl http://localhost/housekeeping
broken = whenever it rains

[build]
repo = svn://svn.example.org/myapp
tag = 1.2.3

[firewall.out.accept]
testlan = 10.1.1.0/24
[sandbox.net]
ip = 192.168.0.5
`

test('.metactl: what croft has a like of is taken over, the rest is told', () => {
  const { toml, notes } = importAppFile(metactl, 'x/.metactl', 'shop')
  assert.deepEqual(parseAppFile(toml), {
    app: { name: 'shop', platform: 'jetty' },
    build: { packages: ['default-jre-headless'] },
    env: { JOB_MANAGER_PORT: '9000', DB_URL: 'mysql://myapp:${secret.DB_URL_PASSWORD}@mysql.example.org/myapp' },
    daemon: {
      web: { port: 8088 },
      'job-manager': { command: 'java -Xmx128m -jar jobmanager.jar ${env.JOB_MANAGER_PORT}' },
      simple: { command: './bin/mycoolapp -F' },
    },
    cron: { 'daily-housekeeping': { schedule: '5 0 * * *', command: 'curl http://localhost/housekeeping' } },
  })
  const told = notes.join('\n')
  for (const part of [
    /DB_URL holds a password.*croft secret set SITE DB_URL_PASSWORD/,
    /was a Jetty \(jetty6\)/,
    /"broken".*left out/,
    /Subversion/,
    /\[firewall\.out\.accept\] testlan = 10\.1\.1\.0\/24/,
    /\[sandbox\.net\] ip/,
    /\[daemon\.simple\] nice/,
  ])
    assert.match(told, part)
  assert.doesNotMatch(toml + told, /hunter2/)
})

test('jvmctl: keys as of a shell, and sections of a unit', () => {
  const text = `# app
PORT=8080
export CONTAINER=none
HEAP_SIZE=512m
JAVA_OPTS=(-verbose:gc
-Dx=1)
APP_OPTS=-jar app.jar
GREETING="hello you"
OOM_EMAIL=root@localhost
[systemd.service.Service]
Restart=on-failure
`
  const { toml, notes } = importAppFile(text, '/etc/jvmctl/apps/shop.conf', 'shop')
  assert.deepEqual(parseAppFile(toml), {
    app: { name: 'shop', platform: 'plain' },
    build: { packages: ['default-jre-headless'] },
    env: { GREETING: 'hello you' },
    daemon: {
      web: {
        command: 'java -Xmx512m -verbose:gc -Dx=1 -jar app.jar',
        port: 8080,
        unit: { 'Service.Restart': 'on-failure' },
      },
    },
  })
  assert.match(notes.join('\n'), /OOM_EMAIL has no like/)
})

test('flockr: the size is taken over, and where code and base go is told', () => {
  const text = `build:
  base_url: /images/centos7.tar
  application_repository: https://git.example.org/shop.git
  application_wwwroot: /var/www/html/
  repository_type: GIT
template:
  zoneid: 8a1
deploy:
  security_groups: web,ssh
  instance_size: Small Instance
`
  const { toml, notes } = importAppFile(text, 'shop/config.yaml', 'shop')
  assert.deepEqual(parseAppFile(toml), {
    app: { name: 'shop', platform: 'php', root: '.' },
    instances: { size: 'small-instance' },
  })
  const told = notes.join('\n')
  for (const part of [
    /croft build APP --git https:\/\/git\.example\.org\/shop\.git/,
    /croft template import base:v1 \/images\/centos7\.tar/,
    /security groups web,ssh/,
    /zoneid/,
    /croft size add small-instance/,
  ])
    assert.match(told, part)
})

test('hostile files become no more than a croft.toml, or a reason', () => {
  const bombs = `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, index) => `${'bcdefghij'[index]}: &${'bcdefghij'[index]} [${Array(9).fill(`*${'abcdefghij'[index]}`).join(',')}]`).join('\n')}`
  const refused = ['not a line', '[env', 'build:\n  - a: [', 'build: {a: 1, a: 2}\n', `build:\n${bombs}`]
  for (const [index, text] of refused.entries())
    assert.throws(
      () => importAppFile(text, index < 2 ? '.metactl' : 'config.yaml'),
      (thrown) => thrown instanceof CroftError && thrown.code === 'BAD_VALUE',
      text.slice(0, 40),
    )
  const taken = [
    '[daemon.a]\ncommand = x"\n [evil]\n y',
    '[env]\n__proto__ = 1\nconstructor = 2\nOK = 3',
    '[daemon.a]\ncommand = ${b}\nb = ${c}${c}\nc = ${b}${b}',
    '[env]\nA = ${B}\nB = ${A}',
    '[daemon.__proto__]\ncommand = a',
    'PORT=99999\nCONTAINER=none\nAPP_OPTS=-jar x\n[systemd.service.Service]\nX=a\\',
  ]
  for (const text of taken) {
    const { toml } = importAppFile(text, '.metactl')
    assert.ok(Object.keys(parseAppFile(toml)).length > 0)
    assert.doesNotMatch(toml, /^\[evil\]/m)
  }
  assert.match(
    importAppFile(taken[5] ?? '', '.metactl').notes.join('\n'),
    /daemon\.web\.port must be 1 to 65535: left out/,
  )
  assert.throws(() => importAppFile('x'.repeat(300_000), '.metactl'), /too large/)
})
