import { parseArgs } from 'node:util'
import { startFakePlugin } from '../fakes/csi-plugin.ts'

/** The plugin of the tests as a process of its own, for a server that starts plugins by itself. */
const { values } = parseArgs({ options: { endpoint: { type: 'string', default: '' } } })
const plugin = await startFakePlugin(values.endpoint.replace(/^unix:\/\//, ''))
// What it was asked is of no interest here, and would fill its memory.
setInterval(() => plugin.calls.splice(0), 1000)
