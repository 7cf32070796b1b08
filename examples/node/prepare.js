/** Before the first request: the folder can be written to. */
import { access, constants, mkdir } from 'node:fs/promises'

const { DATA = 'data' } = process.env
await mkdir(DATA, { recursive: true })
await access(DATA, constants.W_OK)
