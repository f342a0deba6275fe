import { createPluginClient } from '../../src/csi/plugin-client.ts'

const client = createPluginClient({
  pluginID: 'raw',
  endpoint: process.argv[2] ?? '',
  callsAtOnce: 10,
  deadlines: { Probe: 50, GetPluginCapabilities: 50 },
})
const gaveUp = AbortSignal.timeout(10)
await Promise.allSettled(
  Array.from({ length: 100 }, (_, index) =>
    index % 2 === 0 ? client.probe({}) : client.deleteVolume({ volumeId: `${index}` }, { signal: gaveUp }),
  ),
)
client.close()
console.log('100 calls ended, closed')
