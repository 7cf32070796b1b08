import { createFakeEdge, type FakeAnswer } from '../../src/drivers/edge/fake/index.ts'
import { type EdgeWorld, edgeContract } from './edge.ts'
import { edgeTroubleContract } from './edge-trouble.ts'
import { selfSigned } from './edge-world.ts'

const edge = createFakeEdge()
edge.silence('dead')
const world: EdgeWorld = {
  edge,
  servers: [
    { id: 'one', address: '127.0.0.1', port: 9001, state: 'ready' },
    { id: 'two', address: '127.0.0.2', port: 9002, state: 'ready' },
  ],
  dead: { id: 'dead', address: '127.0.0.1', port: 9, state: 'ready' },
  certificate: selfSigned,
  async ask(host, path, scheme = 'https') {
    const answer = edge.ask({ host, path, secure: scheme === 'https' })
    if (!answer?.by) return answer as Omit<FakeAnswer, 'by'> | undefined
    return { ...answer, by: answer.by.port === 9001 ? 'one' : 'two' }
  },
  kill: async () => edge.kill(),
  async occupy(listen) {
    edge.taken.add(listen)
    return { [Symbol.asyncDispose]: async () => void edge.taken.delete(listen) }
  },
}
edgeContract('fake', () => world)
edgeTroubleContract('fake', () => world)
