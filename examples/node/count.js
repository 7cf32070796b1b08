/** What a timer runs: how many notes there are. */
import { readdir } from 'node:fs/promises'

const names = await readdir(process.env.DATA ?? 'data')
console.log(`${names.filter((name) => name.endsWith('.txt')).length} notes`)
