import { createHmac } from 'node:crypto'

/** HMAC-SHA-256, hex. */
export function createKeyedHash(hashKey: Buffer): (text: string) => string {
  return (text) => createHmac('sha256', hashKey).update(text).digest('hex')
}
