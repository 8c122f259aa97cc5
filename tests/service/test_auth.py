from fastapi.testclient import TestClient

from service.app import app


def test_unknown_routes_answer_with_a_problem() -> None:
    response = TestClient(app).get("/nowhere")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"
