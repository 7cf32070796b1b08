/** A farm of fakes with releases of an application, for stories of sites. */
import assert from 'node:assert/strict'
import type { AppConfig } from '../../src/api/app.ts'
import type { Accepted, Operation } from '../../src/api/resources.ts'
import type { Site } from '../../src/api/site.ts'
import type { MembersRecord, RolloutRecord } from '../../src/daemon/records/app-records.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { commitTemplate } from '../../src/daemon/records/new-template.ts'
import { type GuestRecord, read, readAll } from '../../src/daemon/records/records.ts'
import { SimFarm } from './farm.ts'

export const site = 'shop/prod'
export const params = { site }

export const plain: AppConfig = {
  daemon: { web: { command: '/srv/app/run', port: 8080, health: { kind: 'http', path: '/up', withinSeconds: 4 } } },
  instances: { count: 2 },
}

export class SiteFarm extends SimFarm {
  /** What is deployed now is not well. */
  bad = false

  /** A template as a build leaves it. */
  async release(version: string, config: AppConfig = plain, app = 'shop'): Promise<void> {
    const ref = `${app}:${version}`
    const release = {
      ...{ app, version, commit: null, source: 'a folder', platform: 'plain' as const, config },
      ...{ hash: version, by: 'root', build: 'b', buildSeconds: 1 },
    }
    const source = { from: 'debian:12', packages: [] }
    await commitTemplate(this.daemon, { name: 'root', role: 'operator' }, {}, { ref, verb: 'build', source, release })
    await this.pass(1)
  }

  async begun(...versions: readonly string[]): Promise<this> {
    await this.open()
    await this.ask('addSite', { body: { name: site } })
    for (const version of versions) await this.release(version)
    return this
  }

  async deploy(body: object): Promise<Accepted<Site> | undefined> {
    return (await this.ask('deploySite', { params, body })) as Accepted<Site> | undefined
  }

  async deployed(body: object, seconds = 60): Promise<Site> {
    const answer = await this.deploy(body)
    assert.ok(answer, this.lines.at(-1) ?? '')
    await this.pass(seconds)
    const operation = answer.operation && (await this.operation(answer.operation.id))
    assert.ok(!operation || operation.state === 'done', JSON.stringify(operation))
    return this.site()
  }

  site = async (): Promise<Site> => (await this.ask('getSite', { params })) as Site
  operation = async (id: string): Promise<Operation> =>
    (await this.ask('getOperation', { params: { operation: id } })) as Operation

  async members(): Promise<string[]> {
    const record = await read<MembersRecord>(this.store, keys.membersOf(site))
    return (record?.value.members ?? []).map(({ name, slot, release, state }) => `${name} ${slot} ${release} ${state}`)
  }

  rollout = async (): Promise<RolloutRecord | undefined> =>
    (await read<RolloutRecord>(this.store, keys.rollout(site)))?.value

  async guestNames(): Promise<string[]> {
    return (await readAll<GuestRecord>(this.store, keys.guests('ash'))).map(({ value }) => value.name).sort()
  }

  /** How many the edge sends visitors to under this name. */
  async asked(host = 'shop.org'): Promise<number> {
    const found = this.edge.wish?.sites.find(({ hosts }) => hosts.includes(host))
    return found?.target.kind === 'servers' ? found.target.servers.filter(({ state }) => state === 'ready').length : 0
  }
}
