/**
 * usage: node --expose-internals --require ./test/light.cjs --test …
 * Node's test runner follows every promise, to know the test in which one failed that nobody caught: two fifths of what simulations
 * cost. Without that the file fails all the same, and here it is said by what.
 */
const { createHook } = require('node:async_hooks')
const { inspect } = require('node:util')
const { getHookArrays } = require('internal/async_hooks')

const untracked = createHook({ trackPromises: false })
const flag = Object.getOwnPropertySymbols(untracked).find((symbol) => untracked[symbol] === true)
if (flag === undefined) throw new Error('node:async_hooks keeps trackPromises elsewhere now')

const prototype = Object.getPrototypeOf(untracked)
const { enable } = prototype
prototype.enable = function () {
  this[flag] = true
  return enable.call(this)
}
// With --test-isolation=none the runner has begun by now.
for (const hook of [...getHookArrays()[0]]) hook.disable().enable()

function tell(thrown) {
  process.exitCode = 1
  process.stderr.write(`nobody caught: ${inspect(thrown)}\n`)
}
process.on('unhandledRejection', tell)
process.on('uncaughtExceptionMonitor', tell)
