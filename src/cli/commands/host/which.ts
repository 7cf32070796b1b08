import type { Context } from '../../context.ts'

/** The host that was named, else the one we speak to. */
export async function hostName(context: Context): Promise<string> {
  return context.args.maybe('HOST') ?? (await context.client.request('getStatus')).host
}
