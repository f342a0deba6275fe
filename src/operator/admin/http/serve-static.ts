import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendFailure, takesGzip } from './register-api.ts'
import { notBuilt, type PageFiles, type StaticFile, staticFilesOf } from './static-files.ts'

/** Serves the built dashboard: its files, and its page for every other path that is none of the API's. */
export function registerStatic(app: FastifyInstance, findPage: () => PageFiles | undefined): void {
  let files: ReadonlyMap<string, StaticFile> | undefined
  const find = (path: string) => {
    if (files === undefined) {
      const page = findPage()
      if (page === undefined) return undefined
      files = staticFilesOf(page)
    }
    // A file is asked for by name, so an old page's gets no new page in its place.
    return files.get(path) ?? (path.startsWith('/assets/') ? undefined : files.get('/index.html'))
  }
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1)
    if (path.startsWith('/api/') || path === '/api')
      return sendFailure(reply, 404, 'the API has no such path: /api/openapi.json lists those that there are')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return sendFailure(reply, 405, 'only GET is answered here')
    const file = find(path)
    if (file !== undefined) return sendFile(request, reply, file)
    if (files !== undefined) return sendFailure(reply, 404, 'there is no such file: load the page again')
    return reply
      .code(503)
      .type('text/plain; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(notBuilt)
  })
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: StaticFile) {
  const { type, bytes, gzip, etag, isImmutable } = file
  reply.headers({
    'content-type': type,
    'cache-control': isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
    etag,
  })
  if (request.headers['if-none-match'] === etag) return reply.code(304).send()
  if (gzip === undefined || !takesGzip(request)) return reply.send(bytes)
  return reply.header('content-encoding', 'gzip').send(gzip)
}
