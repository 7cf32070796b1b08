import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { buildId } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const build = await context.client.request('getBuild', { params: { build: await buildId(context) } })
  const said = [...(build.reason === undefined ? [] : [build.reason]), ...(build.lines ?? [])]
  return {
    kind: 'record',
    record: build,
    name: build.id,
    fields: [
      { title: 'build', value: build.id },
      { title: 'app', value: build.app },
      { title: 'state', value: build.state, as: 'state' },
      { title: 'at', value: build.state === 'running' ? build.step : null },
      ...said.map((value, index) => ({ title: index === 0 ? 'reason' : '', value })),
      { title: 'release', value: build.already ? `${build.release}, which was there` : build.release },
      { title: 'version', value: build.version },
      { title: 'commit', value: build.commit },
      { title: 'source', value: build.source },
      { title: 'by', value: build.by },
      { title: 'begun', value: build.created, as: 'age' },
      { title: 'ended', value: build.finished ?? null, as: 'age' },
    ],
  }
}
