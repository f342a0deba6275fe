import { invalidArgument } from './driver-error.ts'

/** CSI 1.12, "Size Limits": what a string holds at most, in bytes, where its field says nothing else. */
export const longestStringBytes = 128
/** The same for a map, keys and values together, and for a list of strings. */
const largestMapBytes = 4 * 1024

/** Fields that say something else. Paths: what Linux takes, without the closing NUL. */
const stringLimits: Readonly<Record<string, number>> = {
  nodeId: 256,
  targetPath: 4095,
  stagingTargetPath: 4095,
  volumePath: 4095,
  // What this driver gives for the longest IDs.
  startingToken: 256,
}
const maps: ReadonlySet<string> = new Set([
  'parameters',
  'mutableParameters',
  'secrets',
  'volumeContext',
  'publishContext',
  'segments',
])

/**
 * Checks all that is in a request, before anything is done with it: sizes, and that every text is one. What
 * is no UTF-8 is decoded to U+FFFD, so that different names would become one: such a text is refused.
 * @throws DriverError INVALID_ARGUMENT naming the field, never its content
 */
export function checkRequest(request: unknown): void {
  if (typeof request !== 'object' || request === null) return
  for (const [field, value] of Object.entries(request)) checkField(field, value)
}

function checkField(field: string, value: unknown): void {
  if (typeof value === 'string') checkText(field, value, stringLimits[field] ?? longestStringBytes)
  else if (Array.isArray(value)) checkList(field, value)
  else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    if (maps.has(field)) checkMap(field, value)
    else checkRequest(value)
  }
}

function checkText(field: string, text: string, limitBytes: number): void {
  if (text.length > limitBytes || Buffer.byteLength(text) > limitBytes) {
    throw invalidArgument(`${inProto(field)} is longer than ${limitBytes} bytes`)
  }
  if (!text.isWellFormed() || text.includes('\ufffd')) {
    throw invalidArgument(`${inProto(field)} is not UTF-8, or holds the character that stands for that`)
  }
}

function checkList(field: string, list: readonly unknown[]): void {
  for (const item of list) checkField(field, item)
  // IDs are as many as there are volumes.
  if (field !== 'mountFlags') return
  const bytes = list.reduce((sum: number, flag) => sum + Buffer.byteLength(String(flag)), 0)
  if (bytes > largestMapBytes) {
    throw invalidArgument(`${inProto(field)} is larger than ${largestMapBytes} bytes`)
  }
}

function checkMap(field: string, map: object): void {
  let bytes = 0
  for (const [key, value] of Object.entries(map)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(String(value))
    if (bytes > largestMapBytes) {
      throw invalidArgument(`${inProto(field)} is larger than ${largestMapBytes} bytes`)
    }
    checkText(field, key, largestMapBytes)
    checkText(field, String(value), largestMapBytes)
  }
}

/** As the contract spells a field. */
function inProto(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
