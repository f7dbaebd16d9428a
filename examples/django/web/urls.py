"""The addresses of the site."""

from django.urls import path

from greetings import views

urlpatterns = [
    path("healthz", views.health),
    path("hello/<str:name>", views.hello),
    path("everybody", views.everybody),
]
