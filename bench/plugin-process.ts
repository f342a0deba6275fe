import { parseArgs } from 'node:util'
import { type FakeVolume, startFakePlugin } from '../test/fakes/csi-plugin.ts'

/**
 * A CSI plugin in memory, as a process of its own, that has every volume that it is asked for: what is measured over it is
 * the server, and not the plugin.
 *   --endpoint unix:///path
 */
class EveryVolume extends Map<string, FakeVolume> {
  override get = (id: string): FakeVolume => ({ id, name: id, capacityBytes: 1n << 30n })
  override has = () => true
}

const { values } = parseArgs({ options: { endpoint: { type: 'string', default: '' } } })
const plugin = await startFakePlugin(values.endpoint.replace(/^unix:\/\//, ''))
Object.assign(plugin, { volumes: new EveryVolume() })
// What it was asked is of no interest, and would fill its memory.
setInterval(() => plugin.calls.splice(0), 1000)
