import process from 'node:process'

/**
 * Resolves at the first SIGINT or SIGTERM, so that the caller drains and ends. A second one ends the
 * process at once with the status that shells give an interrupt.
 */
export function waitForShutdown(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isFirst = true
    const onSignal = (signal: NodeJS.Signals) => {
      if (!isFirst) process.exit(130)
      isFirst = false
      resolve(signal)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
