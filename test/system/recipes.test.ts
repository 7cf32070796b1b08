/** A recipe for real: built, made into a guest, and asked for its page from outside. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recipeTemplate } from './cache.ts'
import { at, useFarm } from './farm.ts'
import { get } from './guests.ts'

const farm = await useFarm()
const built = await recipeTemplate('static')

test('the recipe static: its guest serves a page on port 80', async () => {
  await farm.addTemplate(built)
  await farm.croftOk('create', 'web', 'static:v1', '-p', '8080:80')
  const page = `${at.host.v4}:8080`
  await farm.waitFor(async () => (await get(farm, 'outside', page, 5)) !== undefined, 60_000, 'the page')
  assert.match((await get(farm, 'outside', page, 5)) ?? '', /<h1>It serves<\/h1>/)
  await farm.croftOk('rm', 'web', '-y')
  await farm.croftOk('template', 'rm', 'static:v1', '-y')
})
