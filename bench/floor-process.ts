import { createServer } from 'node:http'
import { parseArgs } from 'node:util'

/**
 * The least that an HTTP server of Node can cost: the same answer to everything, as a process of its own that prints
 * its port.
 *   --answer TEXT   the body
 */
const { values } = parseArgs({ options: { answer: { type: 'string', default: '' } } })
const headers = {
  'X-Nomad-Index': '1',
  'X-Nomad-LastContact': '0',
  'X-Nomad-KnownLeader': 'true',
  'Content-Type': 'application/json',
  'Content-Length': Buffer.byteLength(values.answer),
}
const server = createServer((_request, response) => response.writeHead(200, headers).end(values.answer))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' ? address?.port : address}\n`)
})
