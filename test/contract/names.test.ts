import { createFakeNames } from '../../src/drivers/names/fake/index.ts'
import { namesContract, outside } from './names.ts'

const names = createFakeNames(outside)
namesContract('fake', () => ({
  names,
  ask: async (view, question) => names.ask(view, question),
  kill: async (view) => names.kill(view),
}))
