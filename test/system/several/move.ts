/** A guest goes from host to host as people use it: under load, with daemons that die and a wire that is cut. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Guest } from '../../../src/api/guest.ts'
import type { TestHost, TestHosts } from '../hosts.ts'

export function moving(hosts: TestHosts): void {
  const { ash, birch } = hosts

  const isOn = async (host: TestHost, at: TestHost) => {
    const { host: where, moving, status } = await host.json<Guest>('show', 'web')
    return where === at.hostName && moving === undefined && status?.state === 'running'
  }
  /** What is left of a move is cleared up on both hosts after the guest runs: before that there is no next one. */
  const isCleared = async (host: TestHost) => {
    const { status, body } = await host.api('GET', '/v1/data?prefix=moves/')
    assert.equal(status, 200, JSON.stringify(body))
    return Array.isArray(body) && body.length === 0
  }
  /** What it wrote last, and that it still writes. */
  const countOf = async (host: TestHost) => Number(await host.inGuest('web', 'tail', '-n1', '/srv/count'))

  async function startWriting(host: TestHost): Promise<void> {
    await host.croftOk(
      'create',
      'web',
      'debian:12',
      '--host',
      host.hostName,
      'disk=1G',
      '-p',
      '8080:80',
      '--wait=stable',
    )
    const unit =
      '[Service]\nExecStart=/bin/sh -c "n=$(tail -n1 /srv/count || echo 0); while :; do n=$((n+1)); echo $n >> /srv/count; sync; sleep 0.05; done"\n[Install]\nWantedBy=multi-user.target\n'
    await host.inGuest(
      'web',
      'sh',
      '-c',
      `printf '%s' '${unit.replaceAll('$', '$$')}' > /etc/systemd/system/count.service`,
    )
    await host.inGuest(
      'web',
      'sh',
      '-c',
      'echo 0 > /srv/count; dd if=/dev/urandom of=/srv/big bs=1M count=24 status=none',
    )
    await host.inGuest('web', 'systemctl', 'enable', '--now', 'count')
  }

  test('a guest that writes moves there and back: nothing is lost, and it says how long it was down', async () => {
    await startWriting(ash)
    const big = await ash.inGuest('web', 'sha256sum', '/srv/big')
    const before = await countOf(ash)
    await ash.croftOk('snapshot', 'add', 'web@monday')
    const address = (await ash.json<Guest>('show', 'web')).ipv4
    const moved = await ash.croft('move', 'web', 'birch')
    assert.equal(moved.code, 0, `${moved.stderr}\n${ash.logTail(9)}\n${birch.logTail(9)}`)
    assert.match(moved.stdout, /web on birch: down \d+\.\d s, same address/)
    assert.match(moved.stderr, /copy .*\n(?:.*\n)*.*last /)
    assert.ok(await isOn(birch, birch))
    assert.equal((await birch.json<Guest>('show', 'web')).ipv4, address)
    assert.equal(await birch.inGuest('web', 'sha256sum', '/srv/big'), big)
    const there = await countOf(birch)
    assert.ok(there >= before, `${before}, then ${there}`)
    await birch.waitFor(async () => (await countOf(birch)) > there)
    assert.equal(await ash.croftOk('host', 'plan'), await birch.croftOk('host', 'plan'))

    assert.match((await birch.croft('move', 'web', 'birch')).stderr, /web cannot move: it is on birch/)
    const back = await birch.croft('move', 'web', 'ash', '--rate', '200M')
    assert.equal(back.code, 0, `${back.stderr}\n${ash.logTail(9)}\n${birch.logTail(9)}`)
    assert.ok((await countOf(ash)) >= there)
    await ash.croftOk('rm', 'web', '-y')
  })

  test('a daemon that dies goes on, and a wire that is cut leaves it where it was', async () => {
    await startWriting(ash)
    for (const [at, name] of [
      ['ash', 'move.land.before'],
      ['birch', 'move.switch.after'],
    ] as const) {
      const from = hosts.get(at)
      const to = at === 'ash' ? birch : ash
      await from.restartDaemon({ env: { CROFT_FAILPOINT: name } })
      const count = await countOf(from)
      await from.croft('move', 'web', to.hostName)
      await from.daemonGone()
      await from.startDaemon()
      await from.waitFor(() => isOn(from, to), 90_000, `web on ${to.hostName}`)
      await from.waitFor(() => isCleared(from), 90_000, 'the end of the move')
      assert.ok((await countOf(to)) >= count)
    }
    const slow = ash.croft('move', 'web', 'birch', '--rate', '1M')
    const refused = slow.then(({ stderr }) => assert.fail(`it ended by itself: ${stderr}`))
    const moves = async () => (await ash.json<Guest>('show', 'web')).moving !== undefined
    await Promise.race([refused, ash.waitFor(moves, 90_000, 'the slow move')])
    await hosts.cut(birch)
    const failed = await slow
    assert.notEqual(failed.code, 0)
    assert.match(failed.stderr, /birch/)
    await hosts.mend(birch)
    await ash.waitFor(() => isOn(ash, ash), 90_000)
    // The other host finds the store again, and is asked by this one, a moment later.
    await birch.waitFor(async () => (await birch.croft('ls')).code === 0, 90_000, 'the store, on birch')
    await ash.waitFor(async () => (await ash.croft('host', 'plan', 'birch')).code === 0, 90_000, 'the way to birch')
    await ash.croftOk('rm', 'web', '-y')
  })
}
