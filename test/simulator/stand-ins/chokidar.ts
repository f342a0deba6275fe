/** In the place of `chokidar` for sources: tells of changes in the folder of the running history, late or never. */
import { currentSimulation } from '../simulation.ts'

type Listener = (...all: unknown[]) => void

export function watch() {
  const { scheduler, network, folder } = currentSimulation()
  const owner = scheduler.current
  const listeners = new Map<string, Listener[]>()
  const tell = (event: string) => {
    for (const listener of listeners.get(event) ?? []) listener()
  }
  const stop = folder.onChange(() => {
    if (!owner.isAlive) return stop()
    if (network.meets(network.weather.lostNotices, 'notice of files is lost')) return
    scheduler.after(owner, network.latencyMs('notice of files'), 'notice of files', () => tell('all'))
  })
  scheduler.after(owner, 1, 'watch of files is ready', () => tell('ready'))
  const watcher = {
    on(event: string, listener: Listener) {
      listeners.set(event, [...(listeners.get(event) ?? []), listener])
      return watcher
    },
    async close() {
      stop()
      listeners.clear()
    },
  }
  return watcher
}
