/**
 * What bundles for the Edge runtime get (the condition `edge-light`): a build that fails, and says why. There
 * is no TCP, so no memcached, and every request would fail instead.
 */
// @ts-expect-error No such module, on purpose: bundlers show its name.
import '@coatcheck/next needs the Node.js runtime. Next.js 16: rename middleware.ts to proxy.ts. Next.js 15: in middleware.ts, export const config = { runtime: "nodejs" }'

export {}
