import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'

/**
 * Loaded into a process that is measured (`--import`, with `--expose-gc`): on SIGUSR2 it writes to standard error the
 * longest that its event loop was held up since the last time, and what lives in its memory once the garbage is gone.
 */
const resolutionMs = 2
const delay = monitorEventLoopDelay({ resolution: resolutionMs })
delay.enable()
process.on('SIGUSR2', () => {
  const longestStallMs = Math.max(0, delay.max / 1e6 - resolutionMs)
  const { gc } = globalThis
  gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  process.stderr.write(
    `${JSON.stringify({ msg: 'report', longestStallMs, liveBytes: heapUsed + external, rssBytes: rss })}\n`,
  )
  // The collection held it up, too.
  setTimeout(() => delay.reset(), 100)
})
