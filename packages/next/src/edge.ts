/** For the Edge runtime (condition `edge-light`), which has no TCP: the build fails and says why, not each request. */
// @ts-expect-error There is no such module: bundlers show its name.
import '@coatcheck/next needs the Node.js runtime. Next.js 16: rename middleware.ts to proxy.ts. Next.js 15: in middleware.ts, export const config = { runtime: "nodejs" }'

export {}
