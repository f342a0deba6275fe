// Loaded before a program: its date differs from the machine's by the milliseconds in a file. Its monotonic clock does not.
import { readFileSync } from 'node:fs'

const now = Date.now
const offsetMs = () => Number(readFileSync(process.env.MOORING_TEST_DATE_OFFSET, 'utf8')) || 0
const RealDate = Date

globalThis.Date = class extends RealDate {
  constructor(...parameters) {
    super(...(parameters.length === 0 ? [now() + offsetMs()] : parameters))
  }
  static now() {
    return now() + offsetMs()
  }
}
