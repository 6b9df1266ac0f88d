// openapi-backend with a handler by hand, the least a user of it would write: node openapi_backend.mjs DOCUMENT PORT
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { OpenAPIBackend } from "openapi-backend";

const [, , document, port] = process.argv;
const api = new OpenAPIBackend({ definition: JSON.parse(readFileSync(document, "utf8")), quick: true, strict: false });

function send(response, status, value) {
  const body = JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

api.register({
  validationFail: (context, request, response) => send(response, 400, { errors: context.validation.errors }),
  notFound: (context, request, response) => send(response, 404, { message: "not found" }),
  notImplemented: (context, request, response) => {
    const { status, mock } = context.api.mockResponseForOperation(context.operation.operationId);
    send(response, status, mock);
  },
});
await api.init();

createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const [path, query] = request.url.split("?");
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString("utf8")) : undefined;
    const call = { method: request.method, path, query: query ?? "", headers: request.headers, body };
    api.handleRequest(call, request, response).catch((error) => send(response, 500, { message: String(error) }));
  });
}).listen(Number(port), "127.0.0.1");
