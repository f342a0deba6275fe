import Type from 'typebox'
import { literals } from './common.ts'

/** Every request that is no GET carries this header, with any value. A foreign page cannot send it. */
export const requestHeader = 'mooring-request'

/** `viewer` reads. `operator` also plans a folder and gives orders. */
export const Role = literals('viewer', 'operator')
export type Role = Type.Static<typeof Role>

/** `GET /api/session`: who asks. It is answered to everybody. */
export const Session = Type.Object({
  /** Absent: nobody is logged in, and nothing may be read. */
  role: Type.Optional(Role),
  /** The name of the token, or the user that the proxy names. */
  user: Type.Optional(Type.String()),
  /** How the role came about; `loopback`: everybody on this machine may read. */
  via: Type.Optional(literals('loopback', 'token', 'proxy', 'socket')),
  /** Whether a token can be given to log in or to get a higher role. */
  canLogIn: Type.Boolean(),
  /** Whether orders are taken from this session. */
  mayWrite: Type.Boolean(),
  /** Why not. */
  refusal: Type.Optional(Type.String()),
})
export type Session = Type.Static<typeof Session>

/** `POST /api/login`: sets the cookie of a session. `POST /api/logout` ends it. */
export const LoginRequest = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 1000 }) },
  { additionalProperties: false },
)
export type LoginRequest = Type.Static<typeof LoginRequest>

/** The answer of `POST /api/orders?cluster=…`. */
export const OrderAnswer = Type.Object({
  /** What the order does. */
  message: Type.String(),
})
export type OrderAnswer = Type.Static<typeof OrderAnswer>

/** What may have changed. `overview` changes with any of them. */
export const Topic = literals('objects', 'sources', 'activity', 'plugins')
export type Topic = Type.Static<typeof Topic>

/** `GET /api/events`: the data of an event `hello`, which begins every connection. */
export const HelloEvent = Type.Object({
  /** `<epoch>.<number>`. Another epoch: the operator was started again, or another replica leads. */
  version: Type.String(),
  /** What happened since Last-Event-ID is not known here: get everything again. */
  isReset: Type.Boolean(),
})
export type HelloEvent = Type.Static<typeof HelloEvent>

/** `GET /api/events`: the data of an event `change`. Its event ID is the version. */
export const ChangeEvent = Type.Object({
  version: Type.String(),
  topics: Type.Array(Topic),
  /** The objects that changed, as `<key>` or `<key>@<cluster>`; absent: too many, or not known. */
  keys: Type.Optional(Type.Array(Type.String())),
})
export type ChangeEvent = Type.Static<typeof ChangeEvent>
