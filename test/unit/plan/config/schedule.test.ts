import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsOf } from '../../../../src/plan/config/command.ts'
import { isSchedule, onCalendar } from '../../../../src/plan/config/schedule.ts'

test('five fields of crontab become OnCalendar', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['* * * * *', ['*-*-* *:*:00']],
    ['15 3 * * *', ['*-*-* 03:15:00']],
    ['*/20 0-2 1,15 * *', ['*-*-01,15 00,01,02:00,20,40:00']],
    ['5/20 * * * *', ['*-*-* *:05,25,45:00']],
    ['0 4 * jan-mar *', ['*-01,02,03-* 04:00:00']],
    ['0 4 * * 1-5', ['Mon,Tue,Wed,Thu,Fri *-*-* 04:00:00']],
    ['0 4 * * 0,7', ['Sun *-*-* 04:00:00']],
    ['0 4 * * MON', ['Mon *-*-* 04:00:00']],
    // Either is enough, as crontab(5) has it.
    ['0 4 13 * 5', ['*-*-13 04:00:00', 'Fri *-*-* 04:00:00']],
    ['@daily', ['daily']],
    ['@annually', ['yearly']],
  ]
  for (const [cron, calendar] of cases) assert.deepEqual(onCalendar(cron), calendar, cron)
})

test('times of the service manager stay as they are', () => {
  for (const text of [
    'daily',
    'Mon..Fri 22:30',
    '*-*-* 04:00:00',
    'Sat,Sun 10:00',
    '2026-12-24',
    '*-02~03 12:00',
    '*:0/15',
    'Mon *-05-01..07 00:00 Europe/Berlin',
  ])
    assert.deepEqual(onCalendar(text), [text])
})

test('what is neither is refused', () => {
  const wrong = [
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
    '@reboot',
    'soon',
    '1 2 3',
  ]
  for (const text of [...wrong, '*-*-* 04:00:00\nUnit=x', '$(date)', 'UTC', '- - - - -'])
    assert.equal(isSchedule(text), false, text.slice(0, 40))
})

test('a command of plain words is run as it is; one that needs a shell gets one', () => {
  const plain: readonly (readonly [string, readonly string[]])[] = [
    ['node server.js', ['node', 'server.js']],
    [`  a 'b  c' "d e"f g=h --x=1 `, ['a', 'b  c', 'd ef', 'g=h', '--x=1']],
    [`a '' ""`, ['a', '', '']],
    [`a '$x;'`, ['a', '$x;']],
    [
      'venv/bin/python -m gunicorn --bind 0.0.0.0:8000 app:app',
      ['venv/bin/python', '-m', 'gunicorn', '--bind', '0.0.0.0:8000', 'app:app'],
    ],
  ]
  for (const [command, words] of plain) assert.deepEqual(wordsOf(command), words, command)
  for (const command of [
    'a && b',
    'a | b',
    'a; b',
    'a > f',
    'a $PORT',
    'a `b`',
    'a *.js',
    'A=1 b',
    `a "x`,
    'a \\x',
    '~/a',
    '(a)',
    'a "$x"',
    '! a',
    'a # b',
    'a &',
  ])
    assert.deepEqual(wordsOf(command), ['/bin/sh', '-c', command])
})
