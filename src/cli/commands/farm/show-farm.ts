import type { EdgeSettings } from '../../../api/edge.ts'
import type { Answer, Field } from '../../answer.ts'
import type { Context } from '../../context.ts'

export async function run(context: Context): Promise<Answer> {
  const farm = await context.client.request('getFarm')
  const { door } = farm
  return {
    kind: 'record',
    record: farm,
    name: farm.name,
    fields: [
      { title: 'name', value: farm.name },
      { title: 'guests', value: `${farm.prefix4} ${farm.prefix6}` },
      { title: 'mesh', value: farm.mesh },
      { title: 'keys', value: farm.keys.length },
      { title: 'listen', value: door.listen ?? 'off' },
      { title: 'door', value: door.reason === undefined ? door.state : `${door.state}: ${door.reason}` },
      { title: 'reached at', value: door.addresses.join(' ') },
      { title: 'CA', value: door.fingerprint },
      { title: 'CA before', value: door.former },
      ...edgeFields(farm.edge ?? {}),
      { title: 'created', value: farm.created, as: 'age' },
      { title: 'id', value: farm.id },
    ],
  }
}

/** What was set, by the words that set it. */
function edgeFields(edge: EdgeSettings): Field[] {
  const list = (words: readonly string[] | null | undefined) => words?.join(' ')
  return [
    { title: 'edge-http', value: list(edge.http) ?? ':80' },
    { title: 'edge-https', value: list(edge.https) ?? ':443' },
    { title: 'edge-addresses', value: list(edge.addresses) },
    { title: 'edge-operators', value: list(edge.operators) },
    { title: 'preview-domain', value: edge.previewDomain },
    { title: 'resolvers', value: list(edge.resolvers) },
    { title: 'acme-directory', value: edge.acmeDirectory },
    { title: 'acme-email', value: edge.acmeEmail },
    { title: 'acme-agreed', value: edge.acmeAgreed ? 'yes' : undefined },
  ]
}
