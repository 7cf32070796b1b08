import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'

export async function run(context: Context): Promise<Answer> {
  const release = await context.client.request('getRelease', { params: { release: context.args.one('RELEASE') } })
  const { buildSeconds, config } = release
  return {
    kind: 'record',
    record: release,
    name: release.ref,
    fields: [
      { title: 'release', value: release.ref },
      { title: 'state', value: release.state, as: 'state' },
      { title: 'platform', value: release.platform },
      { title: 'daemons', value: Object.keys(config.daemon ?? {}).join(' ') },
      { title: 'commit', value: release.commit },
      { title: 'source', value: release.source },
      { title: 'size', value: release.sizeBytes, as: 'bytes' },
      { title: 'built in', value: buildSeconds, as: 'seconds' },
      { title: 'used by', value: release.usedBy.join(' ') },
      { title: 'hash', value: release.hash },
      { title: 'by', value: release.by },
      { title: 'created', value: release.created, as: 'age' },
    ],
  }
}
