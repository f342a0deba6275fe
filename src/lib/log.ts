import pino from 'pino'
import { standardError } from './log-stream.ts'

/** A structured log: a constant message with keys and values. Never pass a secret to it. */
export type Log = pino.Logger

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Writes one JSON object per line to `stream`. Default: standard error, because standard output is for answers. */
export function createLog(level: LogLevel, stream = standardError()): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
}

/** Drops everything. */
export const silentLog: Log = pino({ level: 'silent' })
