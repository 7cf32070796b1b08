/** Hostile values: what breaks lines, words, paths, numbers, records and terminals elsewhere. */

/** Found again on the disk when a hostile text came through; a word that nothing else holds. */
export const marker = 'zzhostilezz'

const m = marker
export const hostileTexts: readonly string[] = [
  ...['\n', '\r', '\r\n', '\0', '\u2028', '\u2029', '\u0085', '\u001b[31m', '\u0007', '\u009b', '\t'].map(
    (c) => `${m}${c}${m}`,
  ),
  ...['\nlxc.hook.start = /bin/true', '\r\nX-Evil: 1', '\n; flush ruleset', '"; flush ruleset; #', "' or 1=1 --"].map(
    (t) => m + t,
  ),
  ...[
    '-',
    '--help',
    '-rf',
    '--output=/etc/passwd',
    ';id',
    '$(id)',
    '`id`',
    '|id',
    '&',
    '>x',
    '$' + '{x}',
    '%s%n',
    '%00',
    '%2e%2e%2f',
  ].map((t) => t + m),
  ...[
    '..',
    '.',
    '../',
    '../../../../etc/',
    '/etc/',
    '/',
    '//',
    '/dev/stdin/',
    'file:///',
    'http://[::1]/',
    'javascript:',
  ].map((t) => t + m),
  ...[
    '..',
    '.',
    '/',
    '-',
    '*',
    '?',
    ' ',
    '',
    '  ',
    '~',
    '\\',
    '"',
    "'",
    'null',
    'undefined',
    'NaN',
    'true',
    '{}',
    '[]',
  ],
  ...[
    '💥',
    '\u202e',
    '\u200b',
    '\ufeff',
    '\ud800',
    '\udfff',
    'é',
    'ä',
    'А',
    'ﬀ',
    '\u0000',
    '\u007f',
    '\uffff',
    '0x10',
    '1e309',
  ].map((t) => m + t),
  ...[
    '💥',
    '-1',
    '0',
    '1e309',
    '999999999999999999999',
    '-999999999999999999999',
    '0.1',
    '00',
    '+5',
    '１２',
    '1_000',
    '١',
  ],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype'],
  m.repeat(30),
  'a'.repeat(64),
  'a'.repeat(5000),
  `${'a/'.repeat(600)}${m}`,
  '💥'.repeat(300),
]

export const hostileValues: readonly unknown[] = [
  ...hostileTexts,
  ...[0, -1, -0.5, 1.5, 1e21, -1e21, 1e308, 4294967296, 65536, -2147483649, Number.MAX_SAFE_INTEGER + 1],
  ...[null, true, false, [], {}, [[]], [null], [{}], { [m]: m }, [m], ['\n'], { length: 1 }, { toString: m }],
  ...[
    { $ne: null },
    nested(40),
    Array(2000).fill(m),
    JSON.parse(`{"__proto__":{"polluted":"${m}"}}`),
    { constructor: { prototype: { polluted: m } } },
  ],
]

function nested(depth: number): unknown {
  let value: unknown = m
  for (let at = 0; at < depth; at++) value = at % 2 === 0 ? [value] : { [m]: value }
  return value
}
