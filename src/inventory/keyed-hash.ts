import { createHmac } from 'node:crypto'

/** HMAC-SHA-256, hex: Inventory.keyedHash under the inventory's key. */
export function createKeyedHash(hashKey: Buffer): (text: string) => string {
  return (text) => createHmac('sha256', hashKey).update(text).digest('hex')
}
