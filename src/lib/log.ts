import pino from 'pino'

/** A structured log: a constant message with keys and values. Never pass a secret to it. */
export type Log = pino.Logger

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Writes one JSON object per line to `stream`. Default: standard error, because standard output is for answers. */
export function createLog(level: LogLevel, stream?: pino.DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream ?? standardError(),
  )
}

/** A disk that is full, or a reader that is gone, costs the lines that cannot be written, and never the process. */
function standardError(): pino.DestinationStream {
  const destination = pino.destination({ fd: 2, sync: true })
  // Nobody can be told: this is where it would be told.
  destination.on('error', () => {})
  return destination
}

/** Drops everything. */
export const silentLog: Log = pino({ level: 'silent' })
